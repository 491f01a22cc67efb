#include "tests/golden/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/error.h"
#include "tests/golden/comparison.h"
#include "tests/golden/handlers.h"

namespace heed::golden {
namespace {

// Of a query that sees no key.
bool may_be_minus_infinity(const std::string& name) {
  return name == "lse" || name == "block_lse" || name == "block_max";
}

// Names the first number of the case that is not finite; empty if there is none.
std::string not_finite(const Case& c) {
  for (const auto& [group, tensors] : {std::pair("inputs", &c.inputs),
                                       {"params", &c.params},
                                       {"const", &c.constants},
                                       {"outputs", &c.outputs},
                                       {"upstream", &c.upstream},
                                       {"grads", &c.grads}})
    for (const auto& [name, t] : *tensors)
      for (const double x : t.values)
        if (!std::isfinite(x) && !(may_be_minus_infinity(name) && x < 0))
          return fmt::format("{}/{} of the file holds the number {}", group, name, x);
  return {};
}

// heed need not have each intermediate of the file, but the output and every gradient.
CaseResult compare_runs(const Case& c, const std::vector<Run>& runs) {
  Comparison comparison(tolerance_of(c));
  for (const Run& run : runs) {
    for (const auto& [name, file] : c.outputs)
      if (const auto ours = run.outputs.find(name); ours != run.outputs.end())
        comparison.compare("outputs/" + name, ours->second, file, run.text);
      else if (name == "out")
        comparison.missing("outputs/out");
    for (const auto& [name, file] : c.grads)
      if (const auto ours = run.grads.find(name); ours != run.grads.end())
        comparison.compare("grads/" + name, ours->second, file, run.text);
      else
        comparison.missing("grads/" + name);
  }
  const bool passed = comparison.passed();
  return {c.name, passed ? Verdict::passed : Verdict::missed, comparison.error(),
          passed ? "" : comparison.worst()};
}

CaseResult check_case(const Case& c, const Registry& registry) {
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  try {
    const std::vector<Run> runs = find_handler(c, registry)(c, registry);
    if (std::string fault = not_finite(c); !fault.empty())
      return {c.name, Verdict::missed, nothing, std::move(fault)};
    if (c.outputs.empty()) throw Error("the case has no outputs");
    return compare_runs(c, runs);
  } catch (const Skipped& e) {
    return {c.name, Verdict::skipped, nothing, e.what()};
  } catch (const Unknown& e) {
    return {c.name, Verdict::unknown, nothing, fmt::format("heed does not know {}", e.what())};
  } catch (const std::exception& e) {
    return {c.name, Verdict::missed, nothing, e.what()};
  }
}

}  // namespace

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed:
      return "passed";
    case Verdict::missed:
      return "missed";
    case Verdict::skipped:
      return "skipped";
    case Verdict::unknown:
      return "unknown";
  }
  return "";
}

bool FileResult::passed() const { return std::ranges::none_of(cases, &CaseResult::failed); }

FileResult check_file(const std::filesystem::path& path, const Registry& registry) {
  FileResult result{path, {}};
  for (const Case& c : read_cases(path)) result.cases.push_back(check_case(c, registry));
  return result;
}

}  // namespace heed::golden
