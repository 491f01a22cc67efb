#include "core/ops/softmax.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/core/op_bench.h"

namespace heed {
namespace {

template <class S>
Matrix<S> softmax(Matrix<S> s, const Mask& mask = {}, double slope = 0) {
  softmax_rows<S>(mat(s.data(), s.rows(), s.cols()), mask, static_cast<S>(slope));
  return s;
}

template <class S>
Matrix<S> backward(Matrix<S> p, Matrix<S> dp) {
  softmax_rows_backward<S>(mat(p.data(), p.rows(), p.cols()), mat(dp.data(), dp.rows(), dp.cols()));
  return dp;
}

Mask causal(Index offset = 0) { return {.causal = true, .offset = offset}; }

}  // namespace

TEST_CASE("softmax_rows: two rows, by hand") {
  const Matrix<double> s = matrix<double>({{0, std::log(3.0)}, {std::log(9.0), 0}});
  const Matrix<double> p = matrix<double>({{0.25, 0.75}, {0.9, 0.1}});
  CHECK(softmax(s).isApprox(p, 1e-15));
  // ds = p (dp - sum p dp): the sums are 1.75 and 0.9
  CHECK(backward(p, matrix<double>({{1, 2}, {1, 0}}))
            .isApprox(matrix<double>({{-0.1875, 0.1875}, {0.09, -0.09}}), 1e-15));
}

TEST_CASE("softmax: hidden pairs weigh nothing, and a row that sees nothing is zeros") {
  const Matrix<double> s = Matrix<double>::Zero(3, 4);
  CHECK(
      softmax(s, causal())
          .isApprox(matrix<double>({{1, 0, 0, 0}, {0.5, 0.5, 0, 0}, {1.0 / 3, 1.0 / 3, 1.0 / 3, 0}}), 1e-15));
  CHECK(softmax(s, causal(1)).row(2) == Matrix<double>::Constant(1, 4, 0.25));
  CHECK(softmax(s, causal(-2)) == matrix<double>({{0, 0, 0, 0}, {0, 0, 0, 0}, {1, 0, 0, 0}}));
  CHECK(softmax(s, causal(-9)) == Matrix<double>::Zero(3, 4));
  CHECK(softmax(s, causal(9)) == Matrix<double>::Constant(3, 4, 0.25));
}

TEST_CASE("softmax: the bias falls with the distance of query and key") {
  const double slope = std::log(2.0);
  const Matrix<double> s = Matrix<double>::Zero(2, 3);
  CHECK(softmax(s, causal(1), slope)
            .isApprox(matrix<double>({{1.0 / 3, 2.0 / 3, 0}, {1.0 / 7, 2.0 / 7, 4.0 / 7}}), 1e-15));
  CHECK(softmax(s, {}, slope)
            .isApprox(matrix<double>({{4.0 / 7, 2.0 / 7, 1.0 / 7}, {0.25, 0.5, 0.25}}), 1e-15));
}

TEST_CASE("softmax: the gradient of softmax agrees with differences") {
  for (const Mask& mask : {Mask{}, causal(), causal(-2), causal(3)}) {
    CAPTURE(mask.causal, mask.offset);
    Matrix<double> s = normal_matrix<double>(5, 7, 1, "s", 2);
    const Matrix<double> dp = normal_matrix<double>(5, 7, 1, "dp"), ds = backward(softmax(s, mask, 0.3), dp);
    CHECK(compare_gradients({{"s", s.data(), ds.data(), 5, 7}}, [&] {
            return softmax(s, mask, 0.3).cwiseProduct(dp).sum();
          }).fault.empty());
  }
}

TEMPLATE_TEST_CASE("softmax: huge scores give finite weights that sum to one", "", float, double) {
  using S = TestType;
  for (const double size : {1e4, 1e30}) {
    const Matrix<S> p = softmax(matrix<S>({{size, -size, 0}, {-size, -size, -size}, {size, size, -size}}));
    CHECK(p.isApprox(matrix<S>({{1, 0, 0}, {1.0 / 3, 1.0 / 3, 1.0 / 3}, {0.5, 0.5, 0}}), S(1e-6)));
    CHECK(backward(p, matrix<S>({{1, 2, 3}, {1, 2, 3}, {1, 2, 3}})).allFinite());
  }
}

TEST_CASE("softmax: NaN among the scores is not hidden") {
  for (Index at = 0; at < 3; ++at) {
    Matrix<float> s = matrix<float>({{1, 2, 3}});
    s(0, at) = std::nanf("");
    CHECK(softmax(s).array().isNaN().any());
  }
}

}  // namespace heed
