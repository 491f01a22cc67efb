#include "core/check/gradient.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace heed {
namespace {

// Error of the difference: h^2 times a third derivative (extrapolated away) plus rounding 1e-16 / h.
constexpr double kStep = 1e-4;
constexpr double kTolerance = 1e-6;
constexpr double kKinkShare = 0.05;

struct Numeric {
  double wide, narrow;  // central differences with steps h and h/2
  double best() const { return (4 * narrow - wide) / 3; }
};

double central_difference(double& x, double h, const std::function<double()>& loss) {
  const double saved = x, up = saved + h, down = saved - h;
  x = up;
  const double above = loss();
  x = down;
  const double below = loss();
  x = saved;
  return (above - below) / (up - down);
}

std::vector<Numeric> differentiate(const GradientTensor& t, const std::function<double()>& loss) {
  std::vector<Numeric> out;
  for (Index i = 0; i < t.rows * t.cols; ++i) {
    const double h = kStep * std::max(1.0, std::abs(t.value[i]));
    const double wide = central_difference(t.value[i], h, loss);
    out.push_back({wide, central_difference(t.value[i], h / 2, loss)});
  }
  return out;
}

// NaN stays the largest.
double largest(const std::vector<Numeric>& numbers) {
  double out = 0;
  for (const Numeric& n : numbers) out = std::abs(n.best()) <= out ? out : std::abs(n.best());
  return out;
}

// The wrong coordinates of one tensor.
struct Fault {
  const GradientTensor* tensor = nullptr;
  std::vector<Disagreement> wrong = {};
  Disagreement worst = {};
  std::optional<double> ratio = {};  // common to all of them

  // "key.weight[2,4]: analytic 0.32, numeric 0.16, ratio 2; 36 of 36 coordinates disagree"
  std::string to_string() const {
    const GradientTensor& t = *tensor;
    const std::string row =
        t.time > 0 ? fmt::format("{},{}", worst.row / t.time, worst.row % t.time) : fmt::to_string(worst.row);
    return fmt::format(
        "{}[{},{}]: analytic {:.9g}, numeric {:.9g}, ratio {:.6g}; {} of {} coordinates disagree", t.name,
        row, worst.col, worst.analytic, worst.numeric, worst.analytic / worst.numeric, wrong.size(),
        t.rows * t.cols);
  }
};

Fault compare(const GradientTensor& t, const std::vector<Numeric>& numeric, double floor,
              GradientReport& report) {
  Fault fault{&t};
  double worst_here = 0;
  for (Index i = 0; i < t.rows * t.cols; ++i) {
    const Numeric& at = numeric[static_cast<std::size_t>(i)];
    const double a = t.grad[i], n = at.best();
    const double scale = std::max({std::abs(a), std::abs(n), floor});
    const double error = a == n ? 0 : std::abs(a - n) / scale;
    const bool right = error <= kTolerance;  // false for NaN
    ++report.coordinates;
    if (!right && std::abs(at.wide - at.narrow) > kTolerance * scale) {
      ++report.kinks;
      continue;
    }
    const Disagreement here{i / t.cols, i % t.cols, a, n, scale};
    if (!right) fault.wrong.push_back(here);
    if (error <= worst_here) continue;
    worst_here = std::isnan(error) ? HUGE_VAL : error;
    fault.worst = here;
  }
  report.worst = std::max(report.worst, worst_here);
  fault.ratio = fault.wrong.size() > 1 ? common_ratio(fault.wrong) : std::nullopt;
  return fault;
}

// " By the same ratio: key.bias. Wrong in another way: x."
std::string others_text(const std::vector<Fault>& faults, const Fault& reported) {
  std::string same, others;
  for (const Fault& f : faults) {
    if (f.tensor == reported.tensor) continue;
    std::string& list =
        f.ratio && reported.ratio && std::abs(*f.ratio - *reported.ratio) <= 1e-5 ? same : others;
    list += (list.empty() ? "" : ", ") + f.tensor->name;
  }
  return (same.empty() ? "" : fmt::format(" By the same ratio: {}.", same)) +
         (others.empty()
              ? ""
              : fmt::format(" {}: {}.", reported.ratio ? "Wrong in another way" : "Also wrong", others));
}

}  // namespace

GradientReport compare_gradients(const std::vector<GradientTensor>& tensors,
                                 const std::function<double()>& loss, const std::vector<KnownRatio>& known) {
  std::vector<std::vector<Numeric>> numeric;
  double overall = 0;
  for (const GradientTensor& t : tensors) {
    numeric.push_back(differentiate(t, loss));
    overall = std::max(overall, largest(numeric.back()));
  }
  GradientReport report;
  std::vector<Fault> faults;
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    Fault fault = compare(tensors[k], numeric[k], 0.1 * largest(numeric[k]) + 1e-3 * overall, report);
    if (!fault.wrong.empty()) faults.push_back(std::move(fault));
  }
  if (!faults.empty()) {
    const auto clear = std::ranges::find_if(faults, [](const Fault& f) { return f.ratio.has_value(); });
    const Fault& reported = clear == faults.end() ? faults.front() : *clear;
    const GradientTensor& t = *reported.tensor;
    report.fault = reported.to_string();
    report.hint = explain(reported.wrong, {t.rows, t.cols, t.time}, known) + others_text(faults, reported);
  } else if (static_cast<double>(report.kinks) > kKinkShare * static_cast<double>(report.coordinates)) {
    report.fault = fmt::format("{} of {} coordinates are at a kink; at most {:.0f} % are allowed",
                               report.kinks, report.coordinates, 100 * kKinkShare);
  }
  return report;
}

}  // namespace heed
