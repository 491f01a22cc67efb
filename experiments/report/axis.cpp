#include "experiments/report/axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "experiments/report/text_width.h"

namespace heed::report {
namespace {

// Returns 1, 2 or 5 times a power of ten, not below x.
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

// Maps values to pixels of an axis.
struct Scale {
  double low, high;
  bool log;
  double pixels;

  double place(double x) const {
    return pixels * (log ? std::log(x / low) / std::log(high / low) : (x - low) / (high - low));
  }
};

// Returns true if there is space between the labels of two tics.
bool apart(char axis, double a, double b, const Scale& scale) {
  constexpr double kAir = 8;
  const double sizes =
      axis == 'y' ? kLineHeight : (text_width(with_prefix(a)) + text_width(with_prefix(b))) / 2 + kAir;
  return std::abs(scale.place(a) - scale.place(b)) >= sizes;
}

bool fit(char axis, const std::vector<double>& at, const Scale& scale) {
  for (std::size_t i = 1; i < at.size(); ++i)
    if (!apart(axis, at[i - 1], at[i], scale)) return false;
  return at.size() > 1;
}

}  // namespace

std::string with_prefix(double x) {
  static constexpr std::array<const char*, 7> kPrefixes = {"", "k", "M", "G", "T", "P", "E"};
  std::size_t i = 0;
  for (; std::abs(x) >= 1000 && i + 1 < kPrefixes.size(); ++i) x /= 1000;
  return fmt::format("{:.4g}{}", x, kPrefixes[i]);
}

std::string linear_axis(char axis, double low, double high, double pixels) {
  std::vector<double> at;
  for (const double parts : {axis == 'y' ? 8. : 5.5, 4.5, 3., 2.}) {
    const double step = round_up((high - low) / parts);
    at.clear();
    for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i)
      at.push_back(i * step + 0.);  // + 0: no "-0"
    if (fit(axis, at, {low, high, false, pixels})) break;
  }
  return fmt::format("unset logscale {0}\nset {0}range [{1}:{2}]\n{3}", axis, low, high, tics(axis, at));
}

std::string log_axis(char axis, double low, double high, double pixels) {
  std::vector<double> at;
  // As many tics as have space; powers of a thousand always have.
  for (const std::vector<double>& digits :
       {std::vector<double>{1, 1.5, 2, 3, 5, 7}, {1, 2, 5}, {1, 3}, {1}, {}}) {
    at.clear();
    const double factor = digits.empty() ? 1000 : 10;
    for (double power = std::pow(factor, std::floor(std::log(low) / std::log(factor) + 1e-9)); power <= high;
         power *= factor)
      for (const double digit : digits.empty() ? std::vector<double>{1} : digits)
        if (digit * power >= low && digit * power <= high) at.push_back(digit * power);
    if (fit(axis, at, {low, high, true, pixels})) break;
  }
  return fmt::format("set logscale {0}\nset {0}range [{1}:{2}]\n{3}", axis, low, high, tics(axis, at));
}

std::string x_axis_at(const std::vector<double>& values, double low, double high, bool log, double pixels) {
  const Scale scale{low, high, log, pixels};
  std::vector<double> kept = {values.back()};
  for (auto x = values.rbegin() + 1; x != values.rend(); ++x)
    if (apart('x', *x, kept.back(), scale)) kept.push_back(*x);
  return fmt::format("unset logscale x\n{}set xrange [{}:{}]\nset format x '%g'\nset xtics ({})\n",
                     log ? "set logscale x\n" : "", low, high, fmt::join(kept, ", "));
}

std::string metric_axis(bool share, const std::vector<double>& values, double pixels) {
  if (share) return linear_axis('y', 0, 1, pixels);
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double x : values)
    if (std::isfinite(x)) low = std::min(low, x), high = std::max(high, x);
  if (!(low <= high)) return linear_axis('y', 0, 1, pixels);
  // Start at 0 if that costs little of the height.
  if (low > 0 && low < high / 2) low = 0;
  if (high < 0 && high > low / 2) high = 0;
  // Values that differ only in the last bits count as one: no tics fit between them.
  const bool differ = high - low > 1e-12 * std::max(std::abs(low), std::abs(high));
  const double margin = differ ? 0.06 * (high - low) : std::max(0.1 * std::abs(high), 1e-9);
  return linear_axis('y', low == 0 ? 0 : low - margin, high == 0 ? 0 : high + margin, pixels);
}

}  // namespace heed::report
