#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/registry.h"

namespace heed {

// An option of an entry, set back to its default.
struct WithDefault {
  bool given = false;             // is it at another value now?
  std::optional<Config> options;  // resolved again; nullopt if the default is refused beside the others
};

inline WithDefault with_default(const Entry& entry, const Config& options, const std::string& option) {
  Config changed = options;
  changed.erase(option);
  Problems problems;
  changed = entry.resolve(changed, entry.name, problems);
  if (!problems.empty()) return {true, std::nullopt};  // the options as they are were accepted
  if (changed.canonical() == options.canonical()) return {};
  return {true, std::move(changed)};
}

}  // namespace heed
