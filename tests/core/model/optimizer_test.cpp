#include "core/model/optimizer.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/catch.h"
#include "tests/core/op_bench.h"

namespace heed {
namespace {

// One parameter of each role, `size` numbers long.
template <class S>
struct Roles {
  explicit Roles(Index size = 1)
      : decayed(params.declare("decayed", 1, size, Init::normal(1), Role::decayed)),
        undecayed(params.declare("undecayed", 1, size, Init::normal(1), Role::undecayed)),
        fixed(params.declare("fixed", 1, size, Init::normal(1), Role::fixed)) {
    params.freeze();
    params.initialize(1);
  }
  void set_gradients(double g) {
    decayed.grad().setConstant(static_cast<S>(g));
    undecayed.grad().setConstant(static_cast<S>(g));
  }

  Params<S> params;
  Param<S> decayed, undecayed, fixed;
};

// AdamW of one number, word for word as PyTorch documents it.
struct PlainAdamW {
  AdamWOptions o;
  double m = 0, v = 0;
  int t = 0;
  double update(double p, double g, double lr, bool decay) {
    ++t;
    if (decay) p -= lr * o.weight_decay * p;
    m = o.beta1 * m + (1 - o.beta1) * g;
    v = o.beta2 * v + (1 - o.beta2) * g * g;
    return p - lr * (m / (1 - std::pow(o.beta1, t))) / (std::sqrt(v / (1 - std::pow(o.beta2, t))) + o.eps);
  }
};

}  // namespace

TEST_CASE("two updates of AdamW, by hand") {
  Roles<double> r;
  for (const Param<double>& p : {r.decayed, r.undecayed, r.fixed}) p.value().setConstant(2);
  Step<double> step;
  AdamW<double> optimizer(r.params, {.beta1 = 0.9, .beta2 = 0.99, .eps = 0, .weight_decay = 0.5});
  r.set_gradients(0.5);
  optimizer.update(step, 0.1);
  // m / (1 - 0.9) = 0.5 and v / (1 - 0.99) = 0.25: the first step is lr long. Decay takes 2 * 0.1 * 0.5.
  CHECK(r.decayed.value()(0, 0) == Approx(1.8).epsilon(1e-14));
  CHECK(r.undecayed.value()(0, 0) == Approx(1.9).epsilon(1e-14));
  r.set_gradients(-1);
  optimizer.update(step, 0.1);
  // m = -0.055, v = 0.012475: the step is 0.1 * (0.055 / 0.19) / sqrt(0.012475 / 0.0199) upwards
  const double up = 0.1 * (0.055 / 0.19) / std::sqrt(0.012475 / 0.0199);
  CHECK(r.decayed.value()(0, 0) == Approx(1.8 * 0.95 + up).epsilon(1e-13));
  CHECK(r.undecayed.value()(0, 0) == Approx(1.9 + up).epsilon(1e-13));
  CHECK(r.fixed.value()(0, 0) == 2);
  CHECK(optimizer.updates() == 2);
  CHECK(optimizer.first_moment()[0] == Approx(-0.055).epsilon(1e-14));
  CHECK(optimizer.second_moment()[0] == Approx(0.012475).epsilon(1e-14));
}

TEST_CASE("AdamW equals its definition over many updates") {
  const AdamWOptions o{.beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3, .weight_decay = 0.1};
  Roles<double> r;
  Step<double> step;
  AdamW<double> optimizer(r.params, o);
  PlainAdamW decayed{o}, undecayed{o};
  double p = r.decayed.value()(0, 0), q = r.undecayed.value()(0, 0);
  for (int s = 0; s < 50; ++s) {
    const double g = std::sin(s) * std::pow(10, s % 7 - 3), lr = 0.01 / (1 + s);
    r.set_gradients(g);
    optimizer.update(step, lr);
    p = decayed.update(p, g, lr, true);
    q = undecayed.update(q, g, lr, false);
    REQUIRE(r.decayed.value()(0, 0) == Approx(p).epsilon(1e-13));
    REQUIRE(r.undecayed.value()(0, 0) == Approx(q).epsilon(1e-13));
  }
}

TEST_CASE("in float, AdamW agrees with its definition to float's rounding") {
  const AdamWOptions o;  // beta2 = 0.999: 1 - 0.999f is wrong by 1e-5 and must not be used
  Roles<float> r;
  Step<float> step;
  AdamW<float> optimizer(r.params, o);
  PlainAdamW plain{o};
  r.undecayed.value().setZero();
  double p = 0;
  for (int s = 0; s < 10; ++s) {
    r.set_gradients(0.3 + s);
    optimizer.update(step, 1);
    p = plain.update(p, 0.3 + s, 1, false);
    REQUIRE(double(r.undecayed.value()(0, 0)) == Approx(p).epsilon(1e-6));
    REQUIRE(double(optimizer.second_moment()[16]) == Approx(plain.v).epsilon(1e-6));
  }
}

TEST_CASE("a parameter without gradient still decays and still has its momentum") {
  Roles<double> r;
  Step<double> step;
  AdamW<double> optimizer(r.params, {.weight_decay = 0.5});
  const double start = r.decayed.value()(0, 0);
  r.set_gradients(0);
  optimizer.update(step, 0.1);
  CHECK(r.decayed.value()(0, 0) == Approx(0.95 * start).epsilon(1e-14));
  r.set_gradients(1);
  optimizer.update(step, 0.1);
  const double before = r.undecayed.value()(0, 0);
  r.set_gradients(0);
  optimizer.update(step, 0.1);
  CHECK(r.undecayed.value()(0, 0) < before);
}

TEST_CASE("a tiny gradient is held down by eps, which stands outside the root") {
  Roles<double> r;
  Step<double> step;
  AdamW<double> optimizer(r.params, {.eps = 1e-8});
  const double before = r.undecayed.value()(0, 0);
  r.set_gradients(1e-8);
  optimizer.update(step, 1);
  CHECK(before - r.undecayed.value()(0, 0) == Approx(0.5).epsilon(1e-7));  // g / (g + eps)
}

TEST_CASE("huge gradients give finite updates") {
  Roles<float> r;
  Step<float> step;
  AdamW<float> optimizer(r.params, {});
  r.set_gradients(1e18);  // the square still fits
  const float before = r.undecayed.value()(0, 0);
  optimizer.update(step, 0.1);
  CHECK(double(before - r.undecayed.value()(0, 0)) == Approx(0.1).epsilon(1e-5));
}

TEST_CASE("the gradient norm is that of all gradients together") {
  Roles<double> r(2);
  Step<double> step;
  r.decayed.grad() = matrix<double>({{3, 0}});
  r.undecayed.grad() = matrix<double>({{0, -4}});
  CHECK(gradient_norm(step, r.params) == 5);
  Roles<float> huge(10000);
  Step<float> steps;
  huge.set_gradients(1e30);  // its square overflows float
  CHECK(gradient_norm(steps, huge.params) == Approx(1e30 * std::sqrt(20000.0)));
  huge.decayed.grad()(0, 7777) = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(gradient_norm(steps, huge.params)));
}

TEST_CASE("clipping shortens a long gradient and leaves a short one as it is") {
  Roles<double> r(2);
  Step<double> step;
  r.decayed.grad() = matrix<double>({{3, 0}});
  r.undecayed.grad() = matrix<double>({{0, -4}});
  clip_gradients(r.params, 5, 5.1);
  CHECK(r.decayed.grad()(0, 0) == 3);
  clip_gradients(r.params, 5, 1);
  CHECK(r.decayed.grad()(0, 0) == Approx(3 / (5 + 1e-6)).epsilon(1e-15));
  CHECK(r.undecayed.grad()(0, 1) == Approx(-4 / (5 + 1e-6)).epsilon(1e-15));
  CHECK(gradient_norm(step, r.params) == Approx(1).epsilon(1e-6));
}

TEST_CASE("norm and update have the same bits for any number of threads") {
  const auto run = [](int threads) {
    Roles<float> r(10007);
    Step<float> step(threads);
    AdamW<float> optimizer(r.params, {});
    double norm = 0;
    for (int s = 0; s < 3; ++s) {
      r.decayed.grad() = normal_matrix<float>(1, 10007, static_cast<std::uint64_t>(s), "g");
      norm = gradient_norm(step, r.params);
      optimizer.update(step, 0.01);
    }
    std::vector<double> out(r.params.values().begin(), r.params.values().end());
    out.push_back(norm);
    return out;
  };
  const std::vector<double> one = run(1);
  CHECK(run(2) == one);
  CHECK(run(5) == one);
}

TEST_CASE("the learning rate climbs to its peak and falls along a cosine to its floor") {
  const auto rate = [](Index s) { return warmup_cosine(s, 4, 12, 1.0, 0.1); };
  CHECK(rate(0) == 0.25);  // never 0
  CHECK(rate(1) == 0.5);
  CHECK(rate(3) == 1);
  CHECK(rate(4) == 1);
  CHECK(rate(6) == Approx(0.1 + 0.45 * (1 + std::sqrt(0.5))));
  CHECK(rate(8) == Approx(0.55));  // half way
  CHECK(rate(11) > 0.1);
  CHECK(rate(12) == 0.1);
  CHECK(rate(1000) == 0.1);
}

TEST_CASE("a schedule without warm-up starts at its peak, one of nothing else ends at it") {
  CHECK(warmup_cosine(0, 0, 10, 2, 0) == 2);
  CHECK(warmup_cosine(9, 10, 10, 2, 0) == 2);
  CHECK(warmup_cosine(10, 10, 10, 2, 0.5) == 0.5);
}

}  // namespace heed
