#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/config.h"

namespace heed {

// Parses YAML into a tree. Accepts less than YAML, without the parts that readers interpret differently:
// one document, no aliases, anchors or tags, no duplicate keys, no integers with leading zeros (is 010 8 or
// 10?), at most 1 MiB of valid UTF-8 without control characters, 32 levels, 100,000 values.
//
// Problems go to `problems`, with their positions in `file`. Returns nullopt if the text cannot be parsed;
// else the tree, in which further problems may be found.
std::optional<Config> parse_yaml(std::string_view text, const std::string& file, Problems& problems);

// Throws: results::IoError if the file cannot be read.
std::optional<Config> read_yaml(const std::filesystem::path& file, Problems& problems);

// Parses one value, as in `train.lr=[1e-3, 3e-3]`. Every position in it is `file`, a name without lines
// ("command line").
std::optional<Config> parse_yaml_value(std::string_view text, const std::string& file, Problems& problems);

}  // namespace heed
