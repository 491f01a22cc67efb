#include "experiments/report/axis.h"

#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "experiments/report/gnuplot.h"

namespace heed::report {
namespace {

// 1, 2 or 5 times a power of ten, not below x.
double round_up(double x) {
  const double power = std::pow(10, std::floor(std::log10(x)));
  for (const double digit : {1., 2., 5.})
    if (digit * power >= x * (1 - 1e-9)) return digit * power;
  return 10 * power;
}

std::string tics(char axis, const std::vector<double>& at) {
  std::vector<std::string> parts;
  for (const double x : at) parts.push_back(fmt::format("'{}' {}", with_prefix(x), x));
  return fmt::format("set {}tics ({})\n", axis, fmt::join(parts, ", "));
}

}  // namespace

std::string with_prefix(double x) {
  static constexpr std::array<const char*, 7> kPrefixes = {"", "k", "M", "G", "T", "P", "E"};
  std::size_t i = 0;
  for (; std::abs(x) >= 1000 && i + 1 < kPrefixes.size(); ++i) x /= 1000;
  return fmt::format("{:.4g}{}", x, kPrefixes[i]);
}

std::string linear_axis(char axis, double low, double high) {
  std::vector<double> at;
  const double step = round_up((high - low) / 5);
  for (double i = std::ceil(low / step - 1e-9); i * step <= high * (1 + 1e-9); ++i)
    at.push_back(i * step + 0.);  // + 0: no "-0"
  return fmt::format("unset logscale {0}\nset {0}range [{1}:{2}]\n{3}", axis, low, high, tics(axis, at));
}

std::string log_axis(char axis, double low, double high) {
  // The fewer decades there are, the more tics each has.
  const double decades = std::log10(high / low);
  const std::vector<double> digits = decades < 0.7   ? std::vector<double>{1, 1.5, 2, 3, 4, 5, 7}
                                     : decades < 2   ? std::vector<double>{1, 2, 5}
                                     : decades < 3.5 ? std::vector<double>{1, 3}
                                                     : std::vector<double>{1};
  std::vector<double> at;
  for (double power = std::pow(10, std::floor(std::log10(low))); power <= high; power *= 10)
    for (const double digit : digits)
      if (digit * power >= low && digit * power <= high) at.push_back(digit * power);
  return fmt::format("set logscale {0}\nset {0}range [{1}:{2}]\n{3}", axis, low, high, tics(axis, at));
}

std::string metric_axis(const std::string& label, bool share) {
  return fmt::format("set ylabel {}\n{}", quoted(label), share ? "set yrange [0:1]\nset ytics 0.2\n" : "");
}

}  // namespace heed::report
