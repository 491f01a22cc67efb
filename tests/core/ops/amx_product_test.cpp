// On processors without AMX only the comparison of `multiply` with `multiply_pairs` has something to do,
// which is then one and the same.
#include "core/ops/amx_product.h"

#include <algorithm>
#include <cmath>

#include "core/ops/bfloat16_product.h"
#include "tests/catch.h"
#include "tests/core/ops/bfloat16_operands.h"

namespace heed {
namespace {

using namespace heed::test;

float flushed(float x) {
  return std::abs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0F, x) : x;
}

// The definition in amx_product.h, number by number.
Matrix<float> by_definition(const Matrix<float>& a, const Matrix<float>& b, Matrix<float> c, bool add) {
  const auto chain = [&](Index i, Index j, Index from) {
    float s = 0;
    for (Index k = from; k < std::min(from / 32 * 32 + 32, a.cols()); k += 2)
      s = flushed(std::fma(nearest(a(i, k)), nearest(b(k, j)), s));
    return s;
  };
  for (Index i = 0; i < c.rows(); ++i)
    for (Index j = 0; j < c.cols(); ++j) {
      c(i, j) = add ? c(i, j) : 0;
      for (Index k = 0; k < a.cols(); k += 32)
        c(i, j) = flushed(flushed(c(i, j)) + flushed(chain(i, j, k) + chain(i, j, k + 1)));
    }
  return c;
}

// Checks all four products of two operands against the definition.
void check(Matrix<float> a, Matrix<float> b, bool add) {
  Matrix<float> at = a.transpose(), bt = b.transpose(), before = random_matrix(a.rows(), b.cols(), 3), c;
  const Matrix<float> expected = by_definition(a, b, before, add);
  const Index depth = a.cols();
  amx_product::multiply<false>(left(a), view(b), depth, add, view(c = before));
  CHECK(same_bits(c, expected));
  amx_product::multiply<true>(left(a), view(bt), depth, add, view(c = before));
  CHECK(same_bits(c, expected));
  amx_product::multiply<false>(turned_left(at), view(b), depth, add, view(c = before));
  CHECK(same_bits(c, expected));
  amx_product::multiply<true>(turned_left(at), view(bt), depth, add, view(c = before));
  CHECK(same_bits(c, expected));
}

}  // namespace

TEST_CASE("amx_product: products have the bits of their definition on odd shapes") {
  if (!amx_product::available()) return;
  const Shape s =
      GENERATE(Shape{1, 1, 1}, Shape{3, 5, 7}, Shape{13, 2, 16}, Shape{16, 32, 16}, Shape{17, 33, 65},
               Shape{64, 64, 64}, Shape{65, 300, 47}, Shape{2, 513, 130}, Shape{130, 255, 86},
               Shape{515, 9, 31}, Shape{48, 288, 80}, Shape{4, 0, 5}, Shape{0, 3, 4}, Shape{3, 4, 0});
  const bool add = GENERATE(false, true);
  CAPTURE(s.rows, s.depth, s.cols, add);
  check(random_matrix(s.rows, s.depth, 1), random_matrix(s.depth, s.cols, 2), add);
}

TEST_CASE("amx_product: denormal numbers count as zero") {
  if (!amx_product::available()) return;
  const Index depth = GENERATE(1, 2, 31, 67);
  CAPTURE(depth);
  check(random_exponents(33, depth, -149, 10, 1), random_exponents(depth, 35, -149, 10, 2), false);
  check(random_exponents(33, depth, -70, -56, 1), random_exponents(depth, 35, -70, -56, 2), false);
}

TEST_CASE("bfloat16_product: with AMX or without, the same up to the stated bound") {
  const Index depth = GENERATE(1, 7, 64, 300, 2000);
  CAPTURE(depth);
  Matrix<float> a = random_matrix(37, depth, 1), b = random_matrix(depth, 50, 2), c(37, 50), pairs(37, 50);
  bfloat16_product::multiply<false>(left(a), view(b), depth, false, view(c));
  bfloat16_product::multiply_pairs<false>(left(a), view(b), depth, false, view(pairs));
  const Matrix<float> sizes = a.unaryExpr(&nearest).cwiseAbs() * b.unaryExpr(&nearest).cwiseAbs();
  const float bound = static_cast<float>(depth) * 0x1p-23F;
  CHECK(((c - pairs).cwiseAbs().array() <= bound * sizes.array()).all());
}

}  // namespace heed
