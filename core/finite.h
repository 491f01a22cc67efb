#pragma once

#include <bit>
#include <cstdint>

namespace heed {

// Is x neither NaN nor infinite? An exponent of ones alone means either. The bits answer in every build:
// std::isfinite may be compiled to "yes" where something was built with -ffast-math.
constexpr bool is_finite(double x) {
  constexpr std::uint64_t kExponent = 0x7ff0000000000000;
  return (std::bit_cast<std::uint64_t>(x) & kExponent) != kExponent;
}

}  // namespace heed
