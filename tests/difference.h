#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace heed {

// Returns the largest |a_i - b_i|; infinity if the sizes differ, or a difference is NaN.
inline double largest_difference(std::span<const double> a, std::span<const double> b) {
  constexpr double none = std::numeric_limits<double>::infinity();
  if (a.size() != b.size()) return none;
  double out = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(a[i] - b[i]);
    out = std::max(out, std::isnan(d) ? none : d);
  }
  return out;
}

}  // namespace heed
