#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/registry.h"

namespace heed {

// A refused plugin (exit code 66). The message names the file, what is wrong and how to fix it.
class PluginError : public Error {
 public:
  using Error::Error;
};

// Opens a plugin and adds its contents to the registry. Throws: PluginError; the registry is then
// unchanged.
//
// Before any of its code runs, its stamp is read from the file's bytes: another ABI, compiler, Eigen,
// alignment or sanitizer, -ffast-math and CPU features that this machine lacks are refused. If opening it
// changes rounding mode, locale, signal mask or working directory, they are restored and the plugin is
// refused. A name that is already registered is refused. A plugin with the same bytes is loaded only once.
//
// The plugin stays open until the process ends, because its code is in use.
void load_plugin(const std::filesystem::path& file, Registry& registry);

// The same for a plugin that a configuration names with its hash. Throws: PluginError if the file has
// another hash.
void load_plugin(const PluginOrigin& known, Registry& registry);

// Returns the files named by a list like HEED_PLUGIN_PATH: "a.so:folder". A folder means every *.so in it.
std::vector<std::filesystem::path> plugin_files(const std::string& list);

}  // namespace heed
