#include "core/check/gradient.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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

}  // namespace

GradientReport compare_gradients(const std::vector<GradientTensor>& tensors,
                                 const std::function<double()>& loss) {
  std::vector<std::vector<Numeric>> numeric;
  double overall = 0;
  for (const GradientTensor& t : tensors) {
    numeric.push_back(differentiate(t, loss));
    overall = std::max(overall, largest(numeric.back()));
  }
  GradientReport report;
  std::string others;
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    const GradientTensor& t = tensors[k];
    const double floor = 0.1 * largest(numeric[k]) + 1e-3 * overall;
    Index wrong = 0;
    double worst_here = 0;
    std::string fault;
    for (Index i = 0; i < t.rows * t.cols; ++i) {
      const double a = t.grad[i], n = numeric[k][i].best();
      const double scale = std::max({std::abs(a), std::abs(n), floor});
      const double error = a == n ? 0 : std::abs(a - n) / scale;
      ++report.coordinates;
      if (!(error <= kTolerance) &&
          std::abs(numeric[k][i].wide - numeric[k][i].narrow) > kTolerance * scale) {
        ++report.kinks;
        continue;
      }
      if (!(error <= kTolerance)) ++wrong;
      if (error <= worst_here) continue;
      worst_here = std::isnan(error) ? HUGE_VAL : error;
      fault = fmt::format("{}[{},{}]: analytic {:.9g}, numeric {:.9g}, ratio {:.6g}", t.name, i / t.cols,
                          i % t.cols, a, n, a / n);
    }
    report.worst = std::max(report.worst, worst_here);
    if (wrong == 0) continue;
    if (report.passed())
      report.fault = fmt::format("{}; {} of {} coordinates disagree", fault, wrong, t.rows * t.cols);
    else
      others += (others.empty() ? "; so do some of " : ", ") + t.name;
  }
  report.fault += others;
  if (report.passed() &&
      static_cast<double>(report.kinks) > kKinkShare * static_cast<double>(report.coordinates))
    report.fault = fmt::format("{} of {} coordinates stand at a kink; at most {:.0f} % may", report.kinks,
                               report.coordinates, 100 * kKinkShare);
  return report;
}

}  // namespace heed
