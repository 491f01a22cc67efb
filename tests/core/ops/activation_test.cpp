#include "core/ops/activation.h"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "core/rng.h"
#include "tests/catch.h"

namespace heed {
namespace {

constexpr std::array kAll = {Activation::gelu_erf, Activation::gelu_tanh, Activation::silu};

// The definitions, word for word.
double plain(Activation f, double x) {
  switch (f) {
    case Activation::gelu_erf:
      return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::silu:
      return x / (1 + std::exp(-x));
  }
  return 0;
}

template <class S>
S value(Activation f, S x) {
  S y = 0;
  activate<S>(f, const_mat(&x, 1, 1), mat(&y, 1, 1));
  return y;
}

template <class S>
S slope(Activation f, S x) {
  S d = 1;
  activate_backward<S>(f, const_mat(&x, 1, 1), mat(&d, 1, 1));
  return d;
}

}  // namespace

TEST_CASE("activation: activations have the values that are known") {
  CHECK(value(Activation::gelu_erf, 1.0) == Approx(0.8413447460685429).epsilon(1e-14));  // Phi(1)
  CHECK(value(Activation::gelu_erf, -1.0) == Approx(-0.15865525393145707).epsilon(1e-14));
  CHECK(value(Activation::silu, 1.0) == Approx(0.7310585786300049).epsilon(1e-14));
  for (const Activation f : kAll) {
    CHECK(value(f, 0.0) == 0);
    CHECK(slope(f, 0.0) == Approx(0.5).epsilon(1e-14));
  }
}

TEST_CASE("activation: activations equal their definitions, and their slopes central differences") {
  for (const Activation f : kAll)
    for (double x = -9.03; x < 9; x += 0.17) {
      CAPTURE(static_cast<int>(f), x);
      CHECK(value(f, x) == Approx(plain(f, x)).epsilon(1e-13).margin(1e-14));
      const double h = 1e-5;
      CHECK(slope(f, x) == Approx((value(f, x + h) - value(f, x - h)) / (2 * h)).epsilon(1e-8).margin(1e-9));
    }
}

TEST_CASE("activation: in float, activations and slopes agree with double to 5e-7") {
  for (const Activation f : kAll)
    for (double x = -12; x < 12; x += 0.0137) {
      const auto rounded = static_cast<float>(x);
      CAPTURE(static_cast<int>(f), x);
      const auto exact = static_cast<double>(rounded);
      CHECK(double(value(f, rounded)) == Approx(value(f, exact)).epsilon(2e-7).margin(2.5e-7));
      CHECK(double(slope(f, rounded)) == Approx(slope(f, exact)).epsilon(2e-7).margin(5e-7));
    }
}

TEST_CASE("activation: the small tail of a GELU keeps its digits in float") {
  for (const double x : {-3.0, -4.5, -6.0, -8.0}) {
    CAPTURE(x);
    CHECK(double(value(Activation::gelu_erf, float(x))) ==
          Approx(value(Activation::gelu_erf, x)).epsilon(5e-6));
    // The tanh form falls as e^{-x^3}: an argument of 100 holds 1e-5 absolute, and so does the exponent.
    CHECK(double(value(Activation::gelu_tanh, float(x))) ==
          Approx(value(Activation::gelu_tanh, x)).epsilon(5e-5).margin(1e-30));
  }
}

TEMPLATE_TEST_CASE("activation: activations are at their limits far out, and NaN stays NaN", "", float,
                   double) {
  using S = TestType;
  for (const Activation f : kAll)
    for (const double far : {1e3, 1e4, 1e20, 1e38}) {
      const auto x = static_cast<S>(far);
      CAPTURE(static_cast<int>(f), far);
      CHECK(value(f, x) == x);
      CHECK(slope(f, x) == Approx(1));
      CHECK(std::abs(value(f, -x)) < S(1e-30));
      CHECK(std::abs(slope(f, -x)) < S(1e-30));
    }
  for (const Activation f : kAll) {
    CHECK(std::isnan(value(f, std::numeric_limits<S>::quiet_NaN())));
    CHECK(std::isnan(slope(f, std::numeric_limits<S>::quiet_NaN())));
    CHECK(value(f, std::numeric_limits<S>::infinity()) == std::numeric_limits<S>::infinity());
  }
}

TEMPLATE_TEST_CASE("activation: an element has the same bits at any position", "", float, double) {
  using S = TestType;
  std::vector<S> x(203), y(203);
  Draws draws = Rng(1, "activation").at(0);
  for (S& a : x) a = static_cast<S>(3 * draws.normal());
  for (const Activation f : kAll) {
    activate<S>(f, const_mat(x.data(), 7, 29), mat(y.data(), 7, 29));
    for (std::size_t i = 0; i < x.size(); ++i) REQUIRE(y[i] == value(f, x[i]));
  }
}

TEST_CASE("activation: a strided matrix is changed in place, and memory between its rows is not") {
  std::vector<double> x(4 * 9);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.1 * static_cast<double>(i) - 2;
  std::vector<double> y = x;
  const Mat<double> part(y.data() + 2, 4, 5, Eigen::OuterStride<>(9));
  activate<double>(Activation::silu, part, part);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool inside = i % 9 >= 2 && i % 9 < 7;
    CHECK(y[i] == (inside ? value(Activation::silu, x[i]) : x[i]));
  }
}

TEST_CASE("activation: sequences give the same for any number of threads, and the gate its definition") {
  const Index batch = 3, time = 41, dim = 70;  // three pieces of work, the last one short
  const auto size = static_cast<std::size_t>(batch * time * dim);
  std::vector<double> g(size), u(size), dy(size);
  Draws draws = Rng(2, "gate").at(0);
  for (auto* v : {&g, &u, &dy})
    for (double& a : *v) a = draws.normal();
  const auto seq = [&](std::vector<double>& v) { return Seq<double>{v.data(), batch, time, dim}; };
  for (const int threads : {1, 2, 5}) {
    Step<double> step(threads);
    std::vector<double> y(size), dg(size), du(size), a(size), d = dy;
    swiglu<double>(step, seq(g), seq(u), seq(y));
    swiglu_backward<double>(step, seq(g), seq(u), seq(dy), seq(dg), seq(du));
    activate<double>(step, Activation::gelu_erf, seq(g), seq(a));
    activate_backward<double>(step, Activation::gelu_erf, seq(g), seq(d));
    for (std::size_t i = 0; i < size; ++i) {
      REQUIRE(y[i] == value(Activation::silu, g[i]) * u[i]);
      REQUIRE(du[i] == value(Activation::silu, g[i]) * dy[i]);
      REQUIRE(dg[i] == Approx(dy[i] * u[i] * slope(Activation::silu, g[i])).epsilon(1e-14));
      REQUIRE(a[i] == value(Activation::gelu_erf, g[i]));
      REQUIRE(d[i] == Approx(dy[i] * slope(Activation::gelu_erf, g[i])).epsilon(1e-14));
    }
  }
}

}  // namespace heed
