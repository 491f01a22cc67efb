#include "core/check/conformance.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "tests/catch.h"
#include "tests/heap.h"

using namespace heed;

namespace {

// Every check of every built-in variant, for the default options or for every choice of them.
std::vector<CheckResult> all_results(bool every_choice) {
  Registry registry;
  register_builtin_variants(registry);
  const ConformanceContext context{.positions = all_positions(registry),
                                   .heap_allocations = test::heap_allocations};
  std::vector<CheckResult> out;
  for (const VariantInfo& variant : registry.variants()) {
    std::vector<Config> choices = all_option_choices(variant);
    if (!every_choice) choices.resize(1);
    for (const Config& options : choices)
      std::ranges::move(run_conformance(variant, options, context), std::back_inserter(out));
  }
  return out;
}

void require_all(const std::vector<CheckResult>& results) {
  for (const CheckResult& r : results) DYNAMIC_SECTION(r.subject << ": " << r.check) {
      INFO(r.message);
      CHECK(r.verdict != Verdict::failed);
    }
}

}  // namespace

TEST_CASE("conformance: every variant passes the checks that its traits claim", "[.][defaults]") {
  static const std::vector<CheckResult> results = all_results(false);  // once, not for every section
  require_all(results);
}

TEST_CASE("conformance: every variant passes them for every choice of options", "[choices]") {
  static const std::vector<CheckResult> results = all_results(true);
  require_all(results);
}
