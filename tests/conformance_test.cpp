#include "core/check/conformance.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/heap.h"

using namespace heed;

namespace {

// The names of the checks. Under a sanitizer without finite differences, which run the same passes hundreds
// of times: the other checks run them too, in the same sizes.
std::vector<std::string> checks() {
  std::vector<std::string> out;
  for (const CheckInfo& check : all_checks()) out.emplace_back(check.name);
#if defined(HEED_SANITIZE_ADDRESS) || defined(HEED_SANITIZE_THREAD)
  std::erase(out, "gradient");
  std::erase(out, "cross shapes");
#endif
  return out;
}

// Every check of every built-in variant, for the default options or for every choice of them.
std::vector<CheckResult> all_results(bool every_choice) {
  Registry registry;
  register_builtin_variants(registry);
  const ConformanceContext context{
      .positions = all_positions(registry), .heap_allocations = test::heap_allocations, .only = checks()};
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
