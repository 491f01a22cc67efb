#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/registry.h"

namespace heed {

// A plugin is refused (exit code 66). The message names the file, what is wrong and the remedy.
class PluginError : public Error {
 public:
  using Error::Error;
};

// Opens a plugin and adds what it brings to the registry: all of it or, where it throws PluginError, nothing.
//
// Before any of its code runs, its stamp is read from the file's bytes: another ABI, compiler, Eigen,
// alignment or sanitizer, -ffast-math and CPU features that this machine lacks are refused. After opening it,
// rounding mode, locale, signal mask and working directory must be as they were; they are put back. A name
// that is taken is refused. A plugin whose bytes are loaded already is not loaded again.
//
// It stays open until the process ends, as its code is in use.
void load_plugin(const std::filesystem::path& file, Registry& registry);

// The same for a plugin of which a configuration knows more: refuses a file whose hash is another one.
void load_plugin(const PluginOrigin& known, Registry& registry);

// The files that a list as in HEED_PLUGIN_PATH names: "a.so:folder", where a folder stands for each *.so in
// it.
std::vector<std::filesystem::path> plugin_files(const std::string& list);

}  // namespace heed
