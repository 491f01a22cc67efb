#pragma once

#include "core/plugin_stamp.h"
#include "core/registry.h"

namespace heed {

// The entry of a plugin, which the program finds after opening it.
struct PluginEntry {
  const char* name;
  const char* version;
  void (*add)(Registry&);
};

}  // namespace heed

// Marks the stamp in the file's bytes, so that the program can read it before it runs the plugin's code.
#define HEED_STAMP_MARK "heed plugin stamp: "

// Makes a module a plugin; heed_add_plugin (cmake/HeedPlugin.cmake) writes this. `add` takes a Registry&.
#define HEED_PLUGIN(name, version, add)                                                      \
  extern "C" {                                                                               \
  __attribute__((visibility("default"))) extern const char heed_plugin_stamp[];              \
  __attribute__((used, section(".heed.plugin"))) const char heed_plugin_stamp[] =            \
      HEED_STAMP_MARK HEED_STAMP;                                                            \
  __attribute__((visibility("default"))) extern const ::heed::PluginEntry heed_plugin_entry; \
  __attribute__((used)) const ::heed::PluginEntry heed_plugin_entry = {name, version, add};  \
  }
