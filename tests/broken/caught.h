// What the tests of this folder have in common: run the suite on one variant and ask what a check said.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/check/conformance.h"
#include "core/register.h"
#include "tests/catch.h"

namespace heed::broken {

inline std::vector<CheckResult> check_all(const Registry& registry, ConformanceContext context = {}) {
  context.positions = all_positions(registry);
  const VariantInfo& variant = registry.variants().front();
  return run_conformance(variant, all_option_choices(variant).front(), context);
}

inline const CheckResult& result_of(const std::vector<CheckResult>& results, const std::string& check) {
  const auto found = std::ranges::find(results, check, &CheckResult::check);
  REQUIRE(found != results.end());
  return *found;
}

// The check must fail, and say so with this text.
inline void require_caught(const Registry& registry, const std::string& check, const std::string& text,
                           const ConformanceContext& context = {}) {
  const std::vector<CheckResult> results = check_all(registry, context);
  const CheckResult& result = result_of(results, check);
  INFO(check << ": " << result.message);
  CHECK(result.verdict == Verdict::failed);
  CHECK_THAT(result.message, ContainsSubstring(text));
}

template <template <class> class M, class = M<double>>  // the second: see Registry::add_mixer
Registry with_mixer(const std::string& name) {
  Registry registry;
  registry.add_mixer<M>(name, {"Deliberately wrong"});
  return registry;
}

template <template <class> class L, class = L<double>>
Registry with_layer(const std::string& name) {
  Registry registry;
  registry.add_layer<L>(name, {"Deliberately wrong"});
  return registry;
}

}  // namespace heed::broken
