#pragma once

#include <optional>
#include <string>

#include "core/registry.h"

namespace heed {

// Returns options with one of them at its default, resolved again; nullopt if that is refused, or if it is at
// its default already.
inline std::optional<Config> with_default(const Entry& entry, const Config& options,
                                          const std::string& option) {
  Config changed = options;
  changed.erase(option);
  Problems problems;
  changed = entry.resolve(changed, entry.name, problems);
  if (!problems.empty() || changed.canonical() == options.canonical()) return std::nullopt;
  return changed;
}

}  // namespace heed
