#include "experiments/golden/golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "experiments/golden/run.h"

namespace heed {
namespace {

using golden::Case;
using golden::Run;
using golden::Tensor;
using golden::Tensors;

// |a - b| <= absolute + relative |b|. Ordinary cases differ by the rounding of another order of sums; in the
// extreme ones that is magnified by nearly canceling terms.
struct Tolerance {
  double absolute, relative;
  double at(double b) const { return absolute + relative * std::abs(b); }
};

Tolerance tolerance_of(const Case& c) {
  for (const char* word : {"nasty", "huge", "tiny"})
    if (c.name.find(word) != std::string::npos) return {1e-9, 1e-9};
  return {1e-11, 1e-10};
}

// Of a query that sees no key.
bool may_be_minus_infinity(const std::string& name) {
  return name == "lse" || name == "block_lse" || name == "block_max";
}

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

// Compares tensors and keeps the number that comes nearest to its tolerance, or exceeds it furthest.
class Comparison {
 public:
  explicit Comparison(Tolerance tolerance) : tolerance_(tolerance) {}

  void compare(const std::string& name, const Tensor& ours, const Tensor& file, const std::string& run) {
    if (ours.shape != file.shape)
      return blame(std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(),
                   fmt::format("{}: heed's shape is ({}), the file's ({})", where(name, run),
                               fmt::join(ours.shape, ","), fmt::join(file.shape, ",")));
    for (std::size_t i = 0; i < file.values.size(); ++i) {
      const double a = ours.values[i], b = file.values[i];
      const double error = a == b ? 0 : std::abs(a - b);  // equal infinities are equal
      const double share = error == 0 ? 0 : error / tolerance_.at(b);
      if (share > share_ || std::isnan(share))
        blame(error, std::isnan(share) ? std::numeric_limits<double>::infinity() : share,
              fmt::format("{}: number {} is {:.17g}, the file has {:.17g}", where(name, run), i, a, b));
    }
  }

  void missing(const std::string& name) {
    blame(std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(),
          fmt::format("{}: heed has nothing to compare it with", name));
  }

  bool passed() const { return share_ <= 1; }
  double error() const { return error_; }
  const std::string& worst() const { return worst_; }

 private:
  static std::string where(const std::string& name, const std::string& run) {
    return run.empty() ? name : fmt::format("{} ({})", name, run);
  }
  void blame(double error, double share, std::string text) {
    if (share <= share_) return;
    error_ = error, share_ = share, worst_ = std::move(text);
  }

  Tolerance tolerance_;
  double error_ = 0, share_ = 0;
  std::string worst_;
};

std::vector<Run> run_case(const Case& c, const Registry& registry) {
  // Of later parts of the reference set.
  static constexpr const char* kLater[] = {"context_parallel",  "fast_weights", "knn_memory",   "lstm",
                                           "persistent_memory", "rnn",          "ttt_in_place", "ttt_linear"};
  if (c.attributes.contains("op")) return golden::run_operation(c, registry);
  const std::string variant = c.text_or_empty("variant");
  if (variant == "softmax" || variant == "linear" || variant == "differential")
    return golden::run_attention(c, registry);
  if (variant == "sparse") return golden::run_sparse(c, registry);
  if (variant == "pattention") return golden::run_pattention(c, registry);
  if (variant == "position") return golden::run_position(c, registry);
  if (std::ranges::find(kLater, variant) != std::end(kLater))
    throw golden::Skipped(fmt::format("heed has no variant '{}' yet", variant));
  throw golden::Unknown(variant.empty() ? "a case without 'variant' or 'op'"
                                        : fmt::format("the variant '{}'", variant));
}

GoldenResult compare_runs(const Case& c, const std::vector<Run>& runs) {
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
  return {c.name, passed ? GoldenVerdict::passed : GoldenVerdict::missed, comparison.error(),
          passed ? "" : comparison.worst()};
}

GoldenResult check_case(const Case& c, const Registry& registry) {
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  try {
    const std::vector<Run> runs = run_case(c, registry);
    if (std::string fault = not_finite(c); !fault.empty())
      return {c.name, GoldenVerdict::missed, nothing, std::move(fault)};
    if (c.outputs.empty()) throw Error("the case has no outputs");
    return compare_runs(c, runs);
  } catch (const golden::Skipped& e) {
    return {c.name, GoldenVerdict::skipped, nothing, e.what()};
  } catch (const golden::Unknown& e) {
    return {c.name, GoldenVerdict::unknown, nothing, fmt::format("heed does not know {}", e.what())};
  } catch (const std::exception& e) {
    return {c.name, GoldenVerdict::missed, nothing, e.what()};
  }
}

}  // namespace

const char* text(GoldenVerdict verdict) {
  switch (verdict) {
    case GoldenVerdict::passed:
      return "passed";
    case GoldenVerdict::missed:
      return "missed";
    case GoldenVerdict::skipped:
      return "skipped";
    case GoldenVerdict::unknown:
      return "unknown";
  }
  return "";
}

bool GoldenReport::passed() const {
  return std::ranges::none_of(cases, [](const GoldenResult& r) {
    return r.verdict == GoldenVerdict::missed || r.verdict == GoldenVerdict::unknown;
  });
}

GoldenReport check_golden(const std::filesystem::path& path, const Registry& registry) {
  GoldenReport report{path, {}};
  for (const Case& c : golden::read_cases(path)) report.cases.push_back(check_case(c, registry));
  return report;
}

}  // namespace heed
