// Operands of products in bfloat16, their rounding by arithmetic, and comparison of bits.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "core/ops/block_product.h"
#include "core/views.h"

namespace heed::test {

struct Shape {
  Index rows, depth, cols;
};

inline Matrix<float> random_matrix(Index rows, Index cols, unsigned seed) {
  std::mt19937 draws(seed);
  std::uniform_real_distribution<float> any(-1, 1);
  return Matrix<float>::NullaryExpr(rows, cols, [&] { return any(draws); });
}

// Numbers with any significand and exponents between two powers of 2.
inline Matrix<float> random_exponents(Index rows, Index cols, int low, int high, unsigned seed) {
  std::mt19937 draws(seed);
  std::uniform_int_distribution<int> exponent(low, high);
  std::uniform_real_distribution<float> any(-1, 1);
  return Matrix<float>::NullaryExpr(rows, cols, [&] { return std::ldexp(any(draws), exponent(draws)); });
}

inline Matrix<float> random_bits(Index rows, Index cols, unsigned seed) {
  std::mt19937 draws(seed);
  return Matrix<float>::NullaryExpr(
      rows, cols, [&] { return std::bit_cast<float>(static_cast<std::uint32_t>(draws())); });
}

// Numbers at the limits of float32: any bits, with infinity, NaN and denormal numbers; those whose products
// are around the smallest or the largest ones; and denormal numbers among others.
enum class Extreme { any_bits, small_products, large_products, denormal };
inline constexpr std::array kExtremes{Extreme::any_bits, Extreme::small_products, Extreme::large_products,
                                      Extreme::denormal};

inline Matrix<float> extreme_matrix(Extreme kind, Index rows, Index cols, unsigned seed) {
  switch (kind) {
    case Extreme::any_bits:
      return random_bits(rows, cols, seed);
    case Extreme::small_products:
      return random_exponents(rows, cols, -70, -56, seed);
    case Extreme::large_products:
      return random_exponents(rows, cols, 58, 66, seed);
    default:
      return random_exponents(rows, cols, -149, 10, seed);
  }
}

inline Mat<float> view(Matrix<float>& m) { return mat(m.data(), m.rows(), m.cols()); }
inline block_product::Left<float> left(Matrix<float>& m) { return {m.data(), m.cols(), 1}; }
inline block_product::Left<float> turned_left(Matrix<float>& m) { return {m.data(), 1, m.cols()}; }

// The nearest number with 8 bits of significand, by arithmetic. Requires: x is finite.
inline float nearest(float x) {
  if (std::abs(x) < std::numeric_limits<float>::min()) return std::copysign(0.0F, x);
  int exponent = 0;
  const double fraction = std::frexp(static_cast<double>(x), &exponent);
  return static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(fraction, 8)), exponent - 8));
}

inline bool same_bits(const Matrix<float>& a, const Matrix<float>& b) {
  for (Index i = 0; i < a.size(); ++i) {
    const float x = a.data()[i], y = b.data()[i];
    if (std::bit_cast<std::uint32_t>(x) != std::bit_cast<std::uint32_t>(y) &&
        !(std::isnan(x) && std::isnan(y)))
      return false;
  }
  return a.rows() == b.rows() && a.cols() == b.cols();
}

}  // namespace heed::test
