#include "core/ops/product.h"

#include <random>
#include <vector>

#include "core/ops/plain_product.h"
#include "tests/catch.h"

namespace heed {
namespace {

struct Shape {
  Index rows, depth, cols;
};

template <class S>
Matrix<S> random_matrix(Index rows, Index cols, unsigned seed) {
  std::mt19937 draws(seed);
  std::uniform_real_distribution<S> any(-1, 1);
  return Matrix<S>::NullaryExpr(rows, cols, [&] { return any(draws); });
}

template <class S>
Mat<S> view(Matrix<S>& m) {
  return mat(m.data(), m.rows(), m.cols());
}

// Sums of `depth` products of numbers up to 1 in another order: the bound of Higham 2002, section 3.1.
template <class S>
double bound(Index depth) {
  return 2 * static_cast<double>(depth) * static_cast<double>(depth + 1) *
         static_cast<double>(std::numeric_limits<S>::epsilon());
}

template <class S>
double distance(const Matrix<S>& a, const Matrix<S>& b) {
  return a.size() ? static_cast<double>((a - b).cwiseAbs().maxCoeff()) : 0;
}

}  // namespace

TEMPLATE_TEST_CASE("product: products agree with their reference implementations on odd shapes", "", float,
                   double) {
  using S = TestType;
  const Shape s =
      GENERATE(Shape{1, 1, 1}, Shape{3, 5, 7}, Shape{13, 2, 16}, Shape{5, 17, 64}, Shape{7, 33, 65},
               Shape{64, 64, 64}, Shape{65, 300, 47}, Shape{2, 513, 130}, Shape{25, 7, 1100},
               Shape{300, 9, 1027}, Shape{257, 301, 259}, Shape{4, 0, 5}, Shape{0, 3, 4}, Shape{3, 4, 0});
  CAPTURE(s.rows, s.depth, s.cols);
  Matrix<S> a = random_matrix<S>(s.rows, s.depth, 1), b = random_matrix<S>(s.depth, s.cols, 2);
  Matrix<S> at = a.transpose(), bt = b.transpose(), before = random_matrix<S>(s.rows, s.cols, 3);
  Matrix<S> expected(s.rows, s.cols), c = before;
  plain::product_ab<S>(view(a), view(b), view(expected));
  const double tolerance = bound<S>(s.depth);

  product_ab(view(a), view(b), view(c));
  CHECK(distance<S>(c, expected) <= tolerance);
  product_abt(view(a), view(bt), view(c));
  CHECK(distance<S>(c, expected) <= tolerance);
  product_atb(view(at), view(b), view(c));
  CHECK(distance<S>(c, expected) <= tolerance);

  const Matrix<S> sum = before + expected;
  add_product_ab(view(a), view(b), view(c = before));
  CHECK(distance<S>(c, sum) <= tolerance + 4 * std::numeric_limits<S>::epsilon());
  add_product_abt(view(a), view(bt), view(c = before));
  CHECK(distance<S>(c, sum) <= tolerance + 4 * std::numeric_limits<S>::epsilon());
  add_product_atb(view(at), view(b), view(c = before));
  CHECK(distance<S>(c, sum) <= tolerance + 4 * std::numeric_limits<S>::epsilon());
}

TEMPLATE_TEST_CASE("product: the three products of the same matrices have the same bits", "", float, double) {
  using S = TestType;
  const Shape s = GENERATE(Shape{7, 33, 65}, Shape{65, 300, 47}, Shape{130, 600, 70}, Shape{130, 600, 300});
  Matrix<S> a = random_matrix<S>(s.rows, s.depth, 1), b = random_matrix<S>(s.depth, s.cols, 2);
  Matrix<S> at = a.transpose(), bt = b.transpose();
  Matrix<S> ab(s.rows, s.cols), abt = ab, atb = ab;
  product_ab(view(a), view(b), view(ab));
  product_abt(view(a), view(bt), view(abt));
  product_atb(view(at), view(b), view(atb));
  CHECK(ab == abt);
  CHECK(ab == atb);
}

TEMPLATE_TEST_CASE("product: a row has the same bits by itself, among others and anywhere in memory", "",
                   float, double) {
  using S = TestType;
  Matrix<S> a = random_matrix<S>(67, 300, 1), b = random_matrix<S>(300, 77, 2), c(67, 77);
  product_ab(view(a), view(b), view(c));
  Matrix<S> one(1, 77);
  for (Index r = 0; r < a.rows(); ++r) {
    product_ab(row_block(view(a), r, 1), view(b), view(one));
    REQUIRE(one.row(0) == c.row(r));
  }
  // the same columns of a wider right side, from an odd address on, into a strided result
  Matrix<S> wide = random_matrix<S>(300, 203, 3), results(67, 101);
  wide.middleCols(61, 77) = b;
  product_ab(view(a), column_block(view(wide), 61, 77), column_block(view(results), 5, 77));
  CHECK(results.middleCols(5, 77) == c);
}

TEMPLATE_TEST_CASE("product: writes nothing outside the result and keeps NaN and infinity", "", float,
                   double) {
  using S = TestType;
  const S nan = std::numeric_limits<S>::quiet_NaN();
  Matrix<S> a = random_matrix<S>(5, 3, 1), b = random_matrix<S>(3, 7, 2), c = Matrix<S>::Constant(7, 11, nan);
  Mat<S> inner(c.data() + 11 + 2, 5, 7, Eigen::OuterStride<>(11));  // what it held is not read
  product_ab(view(a), view(b), inner);
  CHECK(inner.allFinite());
  CHECK(c.array().isNaN().count() == 7 * 11 - 5 * 7);
  b(1, 6) = nan;
  product_ab(view(a), view(b), inner);
  CHECK(inner.col(6).array().isNaN().all());
  CHECK(inner.leftCols(6).allFinite());
}

}  // namespace heed
