#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/config.h"

namespace heed {

// YAML text as a plain tree. Stricter than YAML, because what is left out has bitten users of it: one
// document, no aliases, anchors or tags, no duplicate keys, no integers with leading zeros (8 or 10?),
// at most 1 MiB of valid UTF-8 without control characters, 32 levels, 100,000 values.
//
// What is wrong goes to `problems`, with its place in `file`. Nothing is returned where the text cannot be
// understood at all; else the tree, in which the rest can be checked for more mistakes.
std::optional<Config> parse_yaml(std::string_view text, const std::string& file, Problems& problems);

// results::IoError where the file cannot be read.
std::optional<Config> read_yaml(const std::filesystem::path& file, Problems& problems);

// One value, as in `train.lr=[1e-3, 3e-3]`: everything in it stands at `file`, which is a name without lines
// ("command line").
std::optional<Config> parse_yaml_value(std::string_view text, const std::string& file, Problems& problems);

}  // namespace heed
