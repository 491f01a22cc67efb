#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/core/op_bench.h"
#include "tests/core/optimizer_named.h"
#include "tests/core/roles.h"
#include "tests/variants/published_numbers.h"
#include "tests/variants/torch_numbers.h"

namespace heed {
namespace {

using test::optimizer_named;
using test::Roles;
using test::state_of;

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.1;
  std::vector<std::pair<std::string, std::string>> given() const {
    const auto text = [](double x) { return Config::number(x).text(); };
    return {{"beta1", text(beta1)},
            {"beta2", text(beta2)},
            {"eps", text(eps)},
            {"weight_decay", text(weight_decay)}};
  }
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

// The numbers that torch_numbers.py has PyTorch compute, from the same start and gradients.
std::vector<double> path(const test::TorchCase& c) {
  constexpr Index kSize = 3, kUpdates = 6;
  Params<double> params;
  const Param<double> p = params.declare("p", 1, kSize, Init::zeros(), Role::decayed);
  params.freeze();
  for (Index i = 0; i < kSize; ++i) p.value()(0, i) = std::cos(static_cast<double>(i));
  const auto optimizer = optimizer_named(c.name, params, c.options);
  Step<double> step;
  std::vector<double> out;
  for (Index t = 0; t < kUpdates; ++t) {
    for (Index i = 0; i < kSize; ++i) {
      const double x = static_cast<double>(i);
      p.grad()(0, i) = std::sin(1.7 * static_cast<double>(t) + 0.9 * x + 0.3) * (1 + 0.5 * x);
    }
    optimizer->update(step, 0.1 / (1 + 0.2 * static_cast<double>(t)));
    for (Index i = 0; i < kSize; ++i) out.push_back(p.value()(0, i));
  }
  return out;
}

bool agrees(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst < 1e-13;
}

}  // namespace

TEST_CASE("Optimizers: six updates have PyTorch's numbers, for every choice of options") {
  std::set<std::string> compared;
  for (const test::TorchCase& c : test::kTorchOptimizers) {
    CAPTURE(c.name);
    CHECK(agrees(path(c), c.numbers));
    compared.insert(c.name);
  }
  // A name without a case needs one: torch_numbers.py, or published_numbers.py.
  for (const test::TorchCase& c : test::kPublishedOptimizers) compared.insert(c.name);
  for (const std::string& name : names(test::builtin_registry().optimizers())) CHECK(compared.contains(name));
}

TEST_CASE("Optimizers: any other choice of options has other numbers") {
  const auto& all = test::kTorchOptimizers;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(agrees(path(all[i]), all[j].numbers));
}

TEST_CASE("Sgd: only matrices decay, and fixed values stay") {
  Roles<double> r;
  for (const Param<double>& p : {r.decayed, r.undecayed, r.fixed}) p.value().setConstant(2);
  Step<double> step;
  r.set_gradients(0);
  optimizer_named("sgd", r.params, {{"weight_decay", "0.5"}})->update(step, 0.1);
  CHECK(r.decayed.value()(0, 0) == Approx(1.9).epsilon(1e-14));
  CHECK(r.undecayed.value()(0, 0) == 2);
  CHECK(r.fixed.value()(0, 0) == 2);
}

TEST_CASE("Sgd: it keeps a state vector only with momentum") {
  Roles<double> r;
  CHECK(optimizer_named("sgd", r.params)->state().empty());
  CHECK(optimizer_named("sgd", r.params, {{"momentum", "0.9"}})->state().size() == 1);
}

TEST_CASE("Sgd: options that PyTorch refuses or that have no effect are refused") {
  Roles<double> r;
  CHECK_THROWS_AS(optimizer_named("sgd", r.params, {{"nesterov", "true"}}), ConfigError);
  CHECK_THROWS_AS(optimizer_named("sgd", r.params, {{"dampening", "0.5"}}), ConfigError);
  CHECK_THROWS_AS(
      optimizer_named("sgd", r.params, {{"momentum", "0.9"}, {"nesterov", "true"}, {"dampening", "0.5"}}),
      ConfigError);
}

TEST_CASE("Optimizers: an update has the same bits for any number of threads") {
  const auto run = [](const std::string& name, int threads) {
    Roles<float> r(10007);
    Step<float> step(threads);
    const auto optimizer = optimizer_named(name, r.params);
    for (int s = 0; s < 3; ++s) {
      r.decayed.grad() = normal_matrix<float>(1, 10007, static_cast<std::uint64_t>(s), "g");
      optimizer->update(step, 0.01);
    }
    return std::vector<double>(r.params.values().begin(), r.params.values().end());
  };
  for (const std::string& name : names(test::builtin_registry().optimizers())) {
    CAPTURE(name);
    CHECK(run(name, 2) == run(name, 1));
    CHECK(run(name, 5) == run(name, 1));
  }
}

TEST_CASE("optimizers: two updates of AdamW equal those computed by hand") {
  Roles<double> r;
  for (const Param<double>& p : {r.decayed, r.undecayed, r.fixed}) p.value().setConstant(2);
  Step<double> step;
  const auto optimizer =
      optimizer_named("adamw", r.params,
                      AdamWOptions{.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-16, .weight_decay = 0.5}.given());
  r.set_gradients(0.5);
  optimizer->update(step, 0.1);
  // m / (1 - 0.9) = 0.5 and v / (1 - 0.99) = 0.25: the first step is lr long. Decay takes 2 * 0.1 * 0.5.
  CHECK(r.decayed.value()(0, 0) == Approx(1.8).epsilon(1e-14));
  CHECK(r.undecayed.value()(0, 0) == Approx(1.9).epsilon(1e-14));
  r.set_gradients(-1);
  optimizer->update(step, 0.1);
  // m = -0.055, v = 0.012475: the step is 0.1 * (0.055 / 0.19) / sqrt(0.012475 / 0.0199) upwards
  const double up = 0.1 * (0.055 / 0.19) / std::sqrt(0.012475 / 0.0199);
  CHECK(r.decayed.value()(0, 0) == Approx(1.8 * 0.95 + up).epsilon(1e-13));
  CHECK(r.undecayed.value()(0, 0) == Approx(1.9 + up).epsilon(1e-13));
  CHECK(r.fixed.value()(0, 0) == 2);
  CHECK(optimizer->steps() == 2);
  CHECK(state_of(*optimizer, "first_moment")[0] == Approx(-0.055).epsilon(1e-14));
  CHECK(state_of(*optimizer, "second_moment")[0] == Approx(0.012475).epsilon(1e-14));
}

TEST_CASE("optimizers: AdamW equals its definition over many updates") {
  const AdamWOptions o{.beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3, .weight_decay = 0.1};
  Roles<double> r;
  Step<double> step;
  const auto optimizer = optimizer_named("adamw", r.params, o.given());
  PlainAdamW decayed{o}, undecayed{o};
  double p = r.decayed.value()(0, 0), q = r.undecayed.value()(0, 0);
  for (int s = 0; s < 50; ++s) {
    const double g = std::sin(s) * std::pow(10, s % 7 - 3), lr = 0.01 / (1 + s);
    r.set_gradients(g);
    optimizer->update(step, lr);
    p = decayed.update(p, g, lr, true);
    q = undecayed.update(q, g, lr, false);
    REQUIRE(r.decayed.value()(0, 0) == Approx(p).epsilon(1e-13));
    REQUIRE(r.undecayed.value()(0, 0) == Approx(q).epsilon(1e-13));
  }
}

TEST_CASE("optimizers: in float, AdamW agrees with its definition to float's rounding") {
  const AdamWOptions o;  // beta2 = 0.999: 1 - 0.999f is wrong by 1e-5 and must not be used
  Roles<float> r;
  Step<float> step;
  const auto optimizer = optimizer_named("adamw", r.params, o.given());
  PlainAdamW plain{o};
  r.undecayed.value().setZero();
  double p = 0;
  for (int s = 0; s < 10; ++s) {
    r.set_gradients(0.3 + s);
    optimizer->update(step, 1);
    p = plain.update(p, 0.3 + s, 1, false);
    REQUIRE(double(r.undecayed.value()(0, 0)) == Approx(p).epsilon(1e-6));
    REQUIRE(double(state_of(*optimizer, "second_moment")[16]) == Approx(plain.v).epsilon(1e-6));
  }
}

TEST_CASE("optimizers: a parameter without gradient still decays and keeps its momentum") {
  Roles<double> r;
  Step<double> step;
  const auto optimizer = optimizer_named("adamw", r.params, AdamWOptions{.weight_decay = 0.5}.given());
  const double start = r.decayed.value()(0, 0);
  r.set_gradients(0);
  optimizer->update(step, 0.1);
  CHECK(r.decayed.value()(0, 0) == Approx(0.95 * start).epsilon(1e-14));
  r.set_gradients(1);
  optimizer->update(step, 0.1);
  const double before = r.undecayed.value()(0, 0);
  r.set_gradients(0);
  optimizer->update(step, 0.1);
  CHECK(r.undecayed.value()(0, 0) < before);
}

TEST_CASE("optimizers: eps limits the update of a tiny gradient; it is added outside the root") {
  Roles<double> r;
  Step<double> step;
  const auto optimizer = optimizer_named("adamw", r.params, AdamWOptions{.eps = 1e-8}.given());
  const double before = r.undecayed.value()(0, 0);
  r.set_gradients(1e-8);
  optimizer->update(step, 1);
  CHECK(before - r.undecayed.value()(0, 0) == Approx(0.5).epsilon(1e-7));  // g / (g + eps)
}

TEST_CASE("optimizers: huge gradients give finite updates") {
  Roles<float> r;
  Step<float> step;
  const auto optimizer = optimizer_named("adamw", r.params);
  r.set_gradients(1e18);  // the square still fits
  const float before = r.undecayed.value()(0, 0);
  optimizer->update(step, 0.1);
  CHECK(double(before - r.undecayed.value()(0, 0)) == Approx(0.1).epsilon(1e-5));
}

}  // namespace heed
