#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/registry.h"

namespace heed {

// A sweep file as the user gave it, with the overrides in it.
struct SweepFile {
  Config tree;
  // For the run directory: the file's own bytes; with overrides or relative paths YAML of the tree, with
  // whole paths.
  std::string text;
  std::vector<std::string> notes;  // what overrides have changed besides, a sentence each
};

// Reads a file and sets `overrides` ("train.lr=0.001": a dotted path and a YAML value) in it. A list where an
// option takes one value becomes an axis of the sweep; an override of a swept key takes its axis away. What
// the file's `compare` section names and overrides have taken away is replaced, with a note. Nothing is
// returned where the text cannot be understood at all. results::IoError where it cannot be read. The plugins
// that the file lists are loaded into the registry; PluginError where one is refused.
std::optional<SweepFile> read_sweep_file(const std::filesystem::path& file,
                                         const std::vector<std::string>& overrides, Registry& registry,
                                         Problems& problems);
std::optional<SweepFile> parse_sweep_file(const std::string& text, const std::string& file,
                                          const std::vector<std::string>& overrides, Registry& registry,
                                          Problems& problems);

// Sets a value by its dotted path; maps are made on the way, and new keys stand at `place`.
void set_path(Config& tree, std::string_view path, Config value, const Place& place);

}  // namespace heed
