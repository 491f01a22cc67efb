#pragma once

#include <bit>
#include <cstdint>

namespace heed {

// bfloat16 is the upper half of a float: the same exponents, and 8 bits of significand instead of 24.

// Returns x rounded to the nearest bfloat16, ties to even, as a float. Infinities stay, NaN stays NaN (quiet,
// with the upper part of its payload), and denormal numbers become zero of their sign: so the processors'
// conversions do.
inline float rounded_to_bfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t size = bits & 0x7fffffffU, sign = bits & 0x80000000U;
  const std::uint32_t nearest = (bits + 0x7fffU + (bits >> 16 & 1U)) & 0xffff0000U;
  const std::uint32_t quiet = (bits | 0x00400000U) & 0xffff0000U;
  return std::bit_cast<float>(size > 0x7f800000U ? quiet : size < 0x00800000U ? sign : nearest);
}

}  // namespace heed
