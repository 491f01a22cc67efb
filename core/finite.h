#pragma once

#include <bit>
#include <cstdint>

namespace heed {

// Returns true if x is neither NaN nor infinite: their exponent bits are all 1. Tests the bits,
// because -ffast-math compiles std::isfinite to true.
constexpr bool is_finite(double x) {
  constexpr std::uint64_t kExponent = 0x7ff0000000000000;
  return (std::bit_cast<std::uint64_t>(x) & kExponent) != kExponent;
}

}  // namespace heed
