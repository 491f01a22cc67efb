// On processors without AMX only the comparison of `multiply` with `multiply_pairs` has something to do,
// which is then one and the same.
#include "core/ops/amx_product.h"

#include <cmath>
#include <iterator>
#include <limits>

#include "core/ops/bfloat16_product.h"
#include "tests/catch.h"
#include "tests/core/ops/bfloat16_operands.h"

namespace heed {
namespace {

using namespace heed::test;

float flushed(float x) {
  return std::abs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0F, x) : x;
}

float rounded(float x) { return std::isfinite(x) ? nearest(x) : x; }

// The definition in amx_product.h, number by number.
Matrix<float> by_definition(const Matrix<float>& a, const Matrix<float>& b, Matrix<float> c, bool add) {
  const auto chain = [&](Index i, Index j, Index from) {
    float s = 0;
    for (Index k = from; k < from / 32 * 32 + 32; k += 2)  // a zero after -0 makes it +0
      s = flushed(k < a.cols() ? std::fma(rounded(a(i, k)), rounded(b(k, j)), s) : s + 0.0F);
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

// Checks all four products of two operands, added to `before` or not, against the definition.
void check(Matrix<float> a, Matrix<float> b, const Matrix<float>& before, bool add) {
  Matrix<float> at = a.transpose(), bt = b.transpose(), c;
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
  check(random_matrix(s.rows, s.depth, 1), random_matrix(s.depth, s.cols, 2),
        random_matrix(s.rows, s.cols, 3), add);
}

TEST_CASE("amx_product: products of extreme numbers have the bits of their definition") {
  if (!amx_product::available()) return;
  const Index depth = GENERATE(1, 2, 31, 32, 67);
  const Extreme kind = GENERATE(from_range(kExtremes.begin(), kExtremes.end()));
  const bool add = GENERATE(false, true);
  CAPTURE(depth, static_cast<int>(kind), add);
  check(extreme_matrix(kind, 33, depth, 1), extreme_matrix(kind, depth, 35, 2),
        extreme_matrix(kind, 33, 35, 3), add);
}

TEST_CASE("amx_product: rows divided anywhere have the bits of the whole product") {
  if (!amx_product::available()) return;
  Matrix<float> a = random_matrix(1100, 67, 1), b = random_matrix(67, 35, 2), whole(1100, 35),
                parts(1100, 35);
  amx_product::multiply<false>(left(a), view(b), 67, false, view(whole));
  const Index bounds[] = {0, 1, 3, 19, 500, 513, 700, 1099, 1100};
  for (std::size_t i = 0; i + 1 < std::size(bounds); ++i) {
    const Index from = bounds[i], rows = bounds[i + 1] - from;
    amx_product::multiply<false>({a.data() + from * 67, 67, 1}, view(b), 67, false,
                                 row_block(view(parts), from, rows));
  }
  CHECK(same_bits(parts, whole));
}

TEST_CASE("bfloat16_product: with AMX or without, the same up to the stated bound") {
  const Index depth = GENERATE(1, 7, 33, 64, 300, 2000);
  const float size = GENERATE(0.0F, 1.0F, 1e3F, 1e6F);  // of c before; without `add`, it counts as 0
  CAPTURE(depth, size);
  Matrix<float> a = random_matrix(37, depth, 1), b = random_matrix(depth, 50, 2);
  const Matrix<float> before = size * random_matrix(37, 50, 3);
  Matrix<float> c = before, pairs = before;
  const bool add = size > 0;
  bfloat16_product::multiply<false>(left(a), view(b), depth, add, view(c));
  bfloat16_product::multiply_pairs<false>(left(a), view(b), depth, add, view(pairs));
  const Matrix<float> sizes =
      before.cwiseAbs() + a.unaryExpr(&nearest).cwiseAbs() * b.unaryExpr(&nearest).cwiseAbs();
  const float bound = static_cast<float>(depth) * 0x1p-23F;
  CHECK(((c - pairs).cwiseAbs().array() <= bound * sizes.array()).all());
}

}  // namespace heed
