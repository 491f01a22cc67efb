#include "core/ops/bfloat16_product.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/ops/bfloat16.h"
#include "tests/catch.h"
#include "tests/core/ops/bfloat16_operands.h"

namespace heed {
namespace {

using namespace heed::test;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kDenormal = std::numeric_limits<float>::denorm_min();

// The definition of multiply_pairs in bfloat16_product.h, number by number.
Matrix<float> by_definition(const Matrix<float>& a, const Matrix<float>& b, Matrix<float> c, bool add) {
  const auto product = [&](Index i, Index k, Index j, float s) {
    return k < a.cols() ? std::fma(nearest(a(i, k)), nearest(b(k, j)), s) : s;
  };
  for (Index i = 0; i < c.rows(); ++i)
    for (Index j = 0; j < c.cols(); ++j) {
      if (!add) c(i, j) = 0;
      for (Index from = 0; from < a.cols(); from += bfloat16_product::kDepth) {
        float s = 0;
        for (Index k = from; k < std::min(from + bfloat16_product::kDepth, a.cols()); k += 2)
          s = product(i, k, j, product(i, k + 1, j, s));
        c(i, j) = from == 0 && !add ? s : c(i, j) + s;
      }
    }
  return c;
}

}  // namespace

TEST_CASE("bfloat16: rounding is to nearest, ties to even, and keeps what is not a number") {
  CHECK(rounded_to_bfloat16(1) == 1);
  CHECK(rounded_to_bfloat16(1 + 0x1p-8F) == 1);                // a tie
  CHECK(rounded_to_bfloat16(1 + 3 * 0x1p-8F) == 1 + 0x1p-6F);  // a tie
  CHECK(rounded_to_bfloat16(1 + 0x1.02p-8F) == 1 + 0x1p-7F);
  CHECK(rounded_to_bfloat16(std::numeric_limits<float>::max()) == kInfinity);
  CHECK(rounded_to_bfloat16(-kInfinity) == -kInfinity);
  CHECK(std::isnan(rounded_to_bfloat16(kNaN)));
  CHECK(std::isnan(rounded_to_bfloat16(std::bit_cast<float>(0x7f800001U))));  // payload in the lower half
  CHECK(std::bit_cast<std::uint32_t>(rounded_to_bfloat16(-kDenormal)) == 0x80000000U);
  Matrix<float> any = random_bits(100, 100, 1);
  for (const float x : any.reshaped())
    if (std::isfinite(x)) REQUIRE(rounded_to_bfloat16(x) == nearest(x));
}

TEST_CASE("bfloat16_product: products have the bits of their definition on odd shapes") {
  const Shape s =
      GENERATE(Shape{1, 1, 1}, Shape{3, 5, 7}, Shape{13, 2, 16}, Shape{5, 17, 64}, Shape{7, 33, 65},
               Shape{64, 64, 64}, Shape{65, 300, 47}, Shape{2, 513, 130}, Shape{130, 255, 86},
               Shape{257, 9, 31}, Shape{4, 0, 5}, Shape{0, 3, 4}, Shape{3, 4, 0});
  const bool add = GENERATE(false, true);
  CAPTURE(s.rows, s.depth, s.cols, add);
  Matrix<float> a = random_matrix(s.rows, s.depth, 1), b = random_matrix(s.depth, s.cols, 2);
  Matrix<float> at = a.transpose(), bt = b.transpose(), before = random_matrix(s.rows, s.cols, 3), c;
  const Matrix<float> expected = by_definition(a, b, before, add);
  bfloat16_product::multiply_pairs<false>(left(a), view(b), s.depth, add, view(c = before));
  CHECK(same_bits(c, expected));
  bfloat16_product::multiply_pairs<true>(left(a), view(bt), s.depth, add, view(c = before));
  CHECK(same_bits(c, expected));
  bfloat16_product::multiply_pairs<false>(turned_left(at), view(b), s.depth, add, view(c = before));
  CHECK(same_bits(c, expected));
  bfloat16_product::multiply_portably<false>(left(a), view(b), s.depth, add, view(c = before));
  CHECK(same_bits(c, expected));
  bfloat16_product::multiply_portably<true>(left(a), view(bt), s.depth, add, view(c = before));
  CHECK(same_bits(c, expected));
  bfloat16_product::multiply_portably<false>(turned_left(at), view(b), s.depth, add, view(c = before));
  CHECK(same_bits(c, expected));
}

TEST_CASE("bfloat16_product: the processor and the portable path agree to the bit on extreme numbers") {
  const Index depth = GENERATE(1, 2, 3, 6, 31);
  const Extreme kind = GENERATE(from_range(kExtremes.begin(), kExtremes.end()));
  CAPTURE(depth, static_cast<int>(kind));
  Matrix<float> a = extreme_matrix(kind, 70, depth, 1), b = extreme_matrix(kind, depth, 93, 2), c(70, 93),
                portable(70, 93);
  bfloat16_product::multiply_pairs<false>(left(a), view(b), depth, false, view(c));
  bfloat16_product::multiply_portably<false>(left(a), view(b), depth, false, view(portable));
  CHECK(same_bits(c, portable));
}

TEST_CASE("bfloat16_product: NaN and infinity stay, and denormal numbers count as zero") {
  const auto product = [](float a, float b, bool add = false, float before = 0) {
    Matrix<float> left = Matrix<float>::Constant(1, 1, a), right = Matrix<float>::Constant(1, 1, b);
    Matrix<float> c = Matrix<float>::Constant(1, 1, before);
    bfloat16_product::multiply<false>({left.data(), 1, 1}, view(right), 1, add, view(c));
    return c(0, 0);
  };
  CHECK(product(kInfinity, -2) == -kInfinity);
  CHECK(std::isnan(product(kInfinity, 0)));
  CHECK(std::isnan(product(kNaN, 1)));
  CHECK(product(1000 * kDenormal, 0x1p100F) == 0);
  CHECK(product(0x1p-70F, 0x1p-60F) == 0);
  CHECK(product(0x1p-63F, 0x1p-63F) == 0x1p-126F);  // the smallest one that is not denormal
  CHECK(product(1, 0, true, kDenormal) == 0);
  CHECK(std::bit_cast<std::uint32_t>(product(-0.0F, 1)) == 0);  // a chain starts at +0
  const volatile float smallest = kDenormal;
  CHECK(2 * smallest > 0);  // only inside of products
}

TEST_CASE("bfloat16_product: a row has the same bits by itself, among others and anywhere in memory") {
  const auto product = [](In<float> a, In<float> b, Mat<float> c) {
    bfloat16_product::multiply<false>({a.data(), a.outerStride(), 1}, b, a.cols(), false, c);
  };
  Matrix<float> a = random_matrix(131, 301, 1), b = random_matrix(301, 77, 2), c(131, 77), one(1, 77);
  product(view(a), view(b), view(c));
  for (Index r = 0; r < a.rows(); ++r) {
    product(row_block(view(a), r, 1), view(b), view(one));
    REQUIRE(one.row(0) == c.row(r));
  }
  Matrix<float> wide = random_matrix(301, 203, 3), results = random_matrix(131, 101, 4), before = results;
  wide.middleCols(61, 77) = b;
  product(view(a), column_block(view(wide), 61, 77), column_block(view(results), 5, 77));
  CHECK(results.middleCols(5, 77) == c);
  CHECK(results.leftCols(5) == before.leftCols(5));
  CHECK(results.rightCols(19) == before.rightCols(19));
}

}  // namespace heed
