#include "tests/golden/comparison.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

namespace heed::golden {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

std::string where(const std::string& name, const std::string& run) {
  return run.empty() ? name : fmt::format("{} ({})", name, run);
}

}  // namespace

double Tolerance::at(double b) const { return absolute + relative * std::abs(b); }

Tolerance tolerance_of(const Case& c) {
  for (const char* word : {"nasty", "huge", "tiny"})
    if (c.name.find(word) != std::string::npos) return {1e-9, 1e-9};
  return {1e-11, 1e-10};
}

void Comparison::compare(const std::string& name, const Tensor& ours, const Tensor& file,
                         const std::string& run) {
  if (ours.shape != file.shape)
    return keep(kInfinite, kInfinite,
                fmt::format("{}: heed's shape is ({}), the file's ({})", where(name, run),
                            fmt::join(ours.shape, ","), fmt::join(file.shape, ",")));
  for (std::size_t i = 0; i < file.values.size(); ++i) {
    const double a = ours.values[i], b = file.values[i];
    const double error = a == b ? 0 : std::abs(a - b);  // equal infinities are equal
    const double share = error == 0 ? 0 : error / tolerance_.at(b);
    if (share > share_ || std::isnan(share))
      keep(error, std::isnan(share) ? kInfinite : share,
           fmt::format("{}: number {} is {:.17g}, the file has {:.17g}", where(name, run), i, a, b));
  }
}

void Comparison::missing(const std::string& name) {
  keep(kInfinite, kInfinite, fmt::format("{}: heed has nothing to compare it with", name));
}

void Comparison::keep(double error, double share, std::string text) {
  if (share <= share_) return;
  error_ = error, share_ = share, worst_ = std::move(text);
}

}  // namespace heed::golden
