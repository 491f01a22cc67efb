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
  // For the run directory: the file's own bytes, or, with overrides or relative paths, YAML of the tree with
  // absolute paths.
  std::string text;
  std::vector<std::string> notes;  // other changes by overrides, each a sentence
};

// Reads a file and sets `overrides` ("train.lr=0.001": a dotted path and a YAML value) in it. A list for an
// option that takes one value becomes an axis of the sweep; an override of a swept key removes its axis. If
// overrides remove something that the section `compare` names, it is replaced, with a note. Loads the plugins
// that the file lists into the registry. Returns nullopt if the text is not YAML or not a map. Throws:
// results::IoError if the file cannot be read; PluginError if a plugin is refused.
std::optional<SweepFile> read_sweep_file(const std::filesystem::path& file,
                                         const std::vector<std::string>& overrides, Registry& registry,
                                         Problems& problems);
std::optional<SweepFile> parse_sweep_file(const std::string& text, const std::string& file,
                                          const std::vector<std::string>& overrides, Registry& registry,
                                          Problems& problems);

// Adds plugins to the list `plugins` of the text for the run directory, if the file does not list them, so
// that the run directory's sweep file can be run without --plugin. `path`: of the file.
void list_plugins(SweepFile& file, const std::string& path, const std::vector<PluginOrigin>& plugins);

// Sets a value by its dotted path. Creates missing maps; new keys get `place`.
void set_path(Config& tree, std::string_view path, Config value, const Place& place);

}  // namespace heed
