// An optimizer of the tree by its name, with options as in a sweep file.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/register.h"

namespace heed::test {

inline Registry builtin_registry() {
  Registry registry;
  register_builtin_variants(registry);
  return registry;
}

template <class S>
std::unique_ptr<Optimizer<S>> optimizer_named(
    const std::string& name, Params<S>& params,
    const std::vector<std::pair<std::string, std::string>>& options = {}) {
  Config given = Config::map();
  for (const auto& [key, value] : options) given.set(key, Config::scalar(value));
  return builtin_registry().optimizer(name).make(given, params);
}

// Throws: heed::Error if it has no such state.
template <class S>
std::span<S> state_of(const Optimizer<S>& optimizer, std::string_view name) {
  for (const OptimizerState<S>& s : optimizer.state())
    if (s.name == name) return s.values;
  throw Error("the optimizer has no state vector " + std::string(name));
}

}  // namespace heed::test
