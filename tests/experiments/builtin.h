// heed's own variants and tasks, and an entry's options with what is left unsaid.
#pragma once

#include "core/register.h"
#include "core/registry.h"
#include "experiments/tasks/builtin.h"

namespace heed::test {

inline Registry builtin() {
  Registry registry;
  register_builtin_variants(registry);
  register_builtin_tasks(registry);
  return registry;
}

inline Config defaults(const Entry& entry, const Config& given = {}) {
  Problems problems;
  Config options = entry.resolve(given, entry.name, problems);
  problems.throw_if_any();
  return options;
}

}  // namespace heed::test
