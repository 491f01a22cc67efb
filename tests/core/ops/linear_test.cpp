#include "core/ops/linear.h"

#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/core/op_bench.h"

namespace heed {
namespace {

template <class S>
OpBench<Linear<S>, S> linear(const OpShape& s, bool bias = true, int threads = 1) {
  return {s, [&](Params<S>& p) { return Linear<S>("map", s.in, s.out, bias, 0.02, p); }, threads};
}

// Forgets the gradient of the bias: the gradient check must find it.
struct BiasForgotten {
  explicit BiasForgotten(Params<double>& params) : inner("map", 4, 3, true, 0.02, params), all(params) {}
  void forward(Step<double>& step, Seq<const double> x, Seq<double> y) { inner.forward(step, x, y); }
  void backward(Step<double>& step, Seq<const double> dy, Seq<double> dx) {
    inner.backward(step, dy, dx);
    all.find("map.bias").grad().setZero();
  }
  Linear<double> inner;
  Params<double>& all;
};

}  // namespace

TEMPLATE_TEST_CASE("Linear: two rows, by hand", "", float, double) {
  auto b = linear<TestType>({1, 2, 2, 2});
  b.x = matrix<TestType>({{1, 2}, {3, 4}});
  b.dy = matrix<TestType>({{1, 0}, {2, -1}});
  b.value("map.weight") = matrix<TestType>({{5, 6}, {7, 8}});
  b.value("map.bias") = matrix<TestType>({{1, -1}});
  b.run();
  CHECK(b.y == matrix<TestType>({{20, 21}, {44, 49}}));
  CHECK(b.dx == matrix<TestType>({{5, 7}, {4, 6}}));
  CHECK(b.grad("map.weight") == matrix<TestType>({{7, -3}, {10, -4}}));
  CHECK(b.grad("map.bias") == matrix<TestType>({{3, -1}}));
}

TEST_CASE("linear: the gradients of a linear map agree with differences") {
  const OpShape shape = GENERATE(OpShape{1, 1, 1, 1}, OpShape{3, 5, 7, 2}, OpShape{2, 37, 3, 5},
                                 OpShape{1, 3, 67, 2});  // more rows, then more inputs, than a task takes
  CAPTURE(shape.time, shape.in);
  CHECK(linear<double>(shape).gradient_fault().empty());
  CHECK(linear<double>(shape, false).gradient_fault().empty());
}

TEST_CASE("linear: the gradient check finds a bias that does not learn") {
  OpBench<BiasForgotten, double> b({2, 3, 4, 3}, [](Params<double>& p) { return BiasForgotten(p); });
  CHECK_THAT(b.gradient_fault(), ContainsSubstring("map.bias[0,"));
}

TEST_CASE("Linear: a map that is divided into tasks equals the product") {
  const OpShape shape = GENERATE(OpShape{1, 64, 64, 64}, OpShape{5, 13, 1, 3}, OpShape{2, 100, 130, 33});
  auto b = linear<double>(shape);
  b.run();
  const Matrix<double> w = b.value("map.weight");
  const Matrix<double> y = (b.x.lazyProduct(w)).rowwise() + b.value("map.bias").row(0);
  const Matrix<double> dx = b.dy.lazyProduct(w.transpose()), dw = b.x.transpose().lazyProduct(b.dy);
  CHECK(b.y.isApprox(y, 1e-13));
  CHECK(b.dx.isApprox(dx, 1e-13));
  CHECK(b.grad("map.weight").isApprox(dw, 1e-13));
}

TEST_CASE("Linear: the same bits for any number of threads") {
  auto one = linear<float>({2, 100, 130, 33});
  one.run();
  for (const int threads : {2, 5}) {
    auto more = linear<float>({2, 100, 130, 33}, true, threads);
    more.run();
    CHECK(more.y == one.y);
    CHECK(more.dx == one.dx);
    CHECK(more.grad("map.weight") == one.grad("map.weight"));
    CHECK(more.grad("map.bias") == one.grad("map.bias"));
  }
}

TEST_CASE("linear: backward adds to what is there") {
  auto b = linear<double>({2, 3, 4, 5});
  b.run();
  const Matrix<double> dx = b.dx, dw = b.grad("map.weight"), db = b.grad("map.bias");
  b.backward();
  CHECK(b.dx.isApprox(2 * dx, 1e-15));
  CHECK(b.grad("map.weight").isApprox(2 * dw, 1e-15));
  CHECK(b.grad("map.bias").isApprox(2 * db, 1e-15));
}

TEST_CASE("Linear: huge numbers are finite if their sums are, and NaN stays in its row") {
  auto b = linear<float>({1, 3, 5, 4});
  b.x *= 1e18F;
  b.dy *= 1e18F;
  b.value("map.weight") *= 1e18F;
  b.run();
  CHECK(b.y.allFinite());
  CHECK(b.dx.allFinite());
  CHECK(b.grad("map.weight").allFinite());
  b.x(1, 2) = std::numeric_limits<float>::quiet_NaN();
  b.forward();
  CHECK(b.y.row(0).allFinite());
  CHECK(b.y.row(1).array().isNaN().all());
  CHECK(b.y.row(2).allFinite());
}

TEST_CASE("Linear: names of parameters, decay of the matrix only, FLOPs") {
  Params<float> params;
  const Linear<float> map("query", 3, 5, true, 0.02, params);
  const Linear<float> plain("key", 3, 5, false, 0.02, params);
  REQUIRE(params.infos().size() == 3);
  CHECK(params.infos()[0].name == "query.weight");
  CHECK(params.infos()[0].role == Role::decayed);
  CHECK(params.infos()[1].name == "query.bias");
  CHECK(params.infos()[1].role == Role::undecayed);
  CHECK(params.infos()[2].name == "key.weight");
  CHECK(map.flops(7) == 2 * 7 * 3 * 5);
}

}  // namespace heed
