// Forgetting attention against its definition and what it becomes in special cases.
#include <cmath>
#include <vector>

#include "core/check/bench.h"
#include "tests/catch.h"
#include "tests/difference.h"
#include "tests/variants/kernel_run.h"
#include "variants/parts/forgetting.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr double kRounding = 1e-12, kDifferences = 1e-6;

Config on(std::initializer_list<const char*> names, Index tile = 64) {
  Config c = options({{"tile", whole(tile)}});
  for (const char* name : names) c.set(name, Config::boolean(true));
  return c;
}

Sizes square(Index time) { return {.tq = time, .tk = time}; }

// Sets the gate of one head and token in all sequences.
void set_gate(KernelRun& run, Index h, Index t, double input) {
  for (Index b = 0; b < run.sizes.batch; ++b) run.heads(run.extra[0], run.sizes.tk, 1)(b, h)(t, 0) = input;
}
void set_gates(KernelRun& run, double input) {
  for (double& x : run.extra[0]) x = input;
}

}  // namespace

TEST_CASE("forgetting attention: weights are softmax of scores plus the log gates after the key") {
  for (Index tile : {1, 3, 64}) {
    KernelRun run("forgetting", on({}, tile), square(9));
    run.forward();
    for (Index b = 0; b < 2; ++b)
      for (Index h = 0; h < 2; ++h) {
        const Matd q = run.head(run.q, 9, 4, b, h), k = run.head(run.k, 9, 4, b, h);
        const Matd gate = run.head(run.extra[0], 9, 1, b, h);
        Matd p = Matd::Zero(9, 9);
        for (Index i = 0; i < 9; ++i) {
          for (Index j = 0; j <= i; ++j) {
            double forgotten = 0;
            for (Index t = j + 1; t <= i; ++t) forgotten += std::log(1 / (1 + std::exp(-gate(t, 0))));
            p(i, j) = std::exp(q.row(i).dot(k.row(j)) / 2 + forgotten);
          }
          p.row(i) /= p.row(i).sum();
        }
        CHECK(distance(run.weights(b, h), p) < kRounding);
        CHECK(distance(run.head(run.o, 9, 4, b, h), p * run.head(run.v, 9, 4, b, h)) < kRounding);
      }
  }
}

TEST_CASE("forgetting attention: gradients agree with finite differences, all options together") {
  for (Index tile : {2, 64}) {
    KernelRun plain("forgetting", on({}, tile), square(7));
    CHECK(distance_from_differences(plain) < kDifferences);
    KernelRun pro("forgetting",
                  on({"key_shift", "value_shift", "qk_norm", "output_norm", "output_gate"}, tile), square(7));
    CHECK(distance_from_differences(pro) < kDifferences);
  }
}

TEST_CASE("forgetting attention: open gates are softmax attention") {
  KernelRun forgetting("forgetting", on({}), square(9)), softmax("softmax", on({}), square(9));
  set_gates(forgetting, 800);  // log f = 0
  forgetting.run(), softmax.run();
  CHECK(largest_difference(forgetting.o, softmax.o) == 0);
  CHECK(largest_difference(forgetting.dk, softmax.dk) == 0);
}

TEST_CASE("forgetting attention: a gate that never changes is ALiBi") {
  Sizes biased = square(9);
  biased.slope = 0.3;
  KernelRun forgetting("forgetting", on({}), square(9)), alibi("softmax", on({}), biased);
  for (Index h = 0; h < 2; ++h)
    for (Index t = 0; t < 9; ++t) {
      const double log_f = -0.3 * static_cast<double>(h + 1);
      set_gate(forgetting, h, t, log_f - std::log(-std::expm1(log_f)));
    }
  forgetting.forward(), alibi.forward();
  CHECK(largest_difference(forgetting.o, alibi.o) < kRounding);
}

TEST_CASE("forgetting attention: the first gate has no effect and no gradient") {
  KernelRun run("forgetting", on({}), square(6));
  run.run();
  const std::vector<double> before = run.o;
  for (Index b = 0; b < 2; ++b)
    for (Index h = 0; h < 2; ++h) CHECK(std::abs(run.heads(run.dextra[0], 6, 1)(b, h)(0, 0)) < kRounding);
  for (Index h = 0; h < 2; ++h) set_gate(run, h, 0, -3);
  run.forward();
  CHECK(largest_difference(run.o, before) < kRounding);
}

TEST_CASE("forgetting attention: a closed gate cuts off all tokens before it") {
  KernelRun run("forgetting", on({}), square(8));
  for (Index h = 0; h < 2; ++h) set_gate(run, h, 3, -800);
  run.forward();
  for (Index h = 0; h < 2; ++h) {
    const Matd p = run.weights(1, h);
    CHECK(p.block(3, 0, 5, 3).cwiseAbs().maxCoeff() < 1e-300);
    CHECK(std::abs(p.row(7).tail(5).sum() - 1) < kRounding);
  }
}

TEST_CASE("forgetting attention: log sigmoid is finite at both ends, and its derivative is right at zero") {
  CHECK(log_sigmoid(-800) == -800);
  CHECK(log_sigmoid(800) == 0);
  CHECK(log_sigmoid(0) == -std::log(2.0));
  CHECK(sigmoid(-0.0) == 0.5);
}

TEST_CASE("forgetting attention: float keeps what is near after thousands of tokens") {
  constexpr Index length = 4000;
  const auto outputs = [&]<class S>(S) {
    Params<S> params;
    const LayerSpec<S> spec{.dim = 4, .context_dim = 4, .heads = 1, .length = length};
    const auto kernel = registry().variant("forgetting").make_kernel(Config::map(), spec, params);
    params.freeze();
    Matrix<S> x = normal_matrix<float>(length, 4, 1, "x").cast<S>(), o(length, 4);
    Matrix<S> gate = (normal_matrix<float>(length, 1, 1, "gate").array() - 2).matrix().template cast<S>();
    const Heads<const S> heads{x.data(), 1, 1, length, 4}, gates{gate.data(), 1, 1, length, 1};
    Step<S> step(1, false);
    kernel->forward(step, {heads, heads, heads, std::span(&gates, 1)}, {o.data(), 1, 1, length, 4});
    return Matd(o.template cast<double>());
  };
  CHECK(distance(outputs(1.0F), outputs(1.0)) < 1e-5);
}

TEST_CASE(
    "forgetting attention: refuses queries without a key of their own, and keys rotated before the norm") {
  KernelRun run("forgetting", on({}), {.tq = 6, .tk = 4});
  CHECK_THROWS_WITH(run.forward(), ContainsSubstring("6 queries and 4 keys"));
  Params<double> params;
  const auto rope = registry().position("rope").make<double>(options({{"base", Config::number(100)},
                                                                      {"layout", Config::scalar("half")},
                                                                      {"fraction", Config::number(1)}}),
                                                             {8, 2, 4}, params);
  const LayerSpec<double> spec{.dim = 8, .context_dim = 8, .heads = 2, .position = rope.get()};
  CHECK_THROWS_WITH(registry().variant("forgetting").make<double>(on({"qk_norm"}), spec, params),
                    ContainsSubstring("does not rotate"));
}
