// Stick-breaking attention against its definition and what it becomes in special cases.
#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr double kRounding = 1e-12, kDifferences = 1e-6;

Config sticks(bool current, const char* remainder = "drop", Index tile = 64) {
  return options({{"attend_current", Config::boolean(current)},
                  {"remainder", Config::scalar(remainder)},
                  {"tile", whole(tile)}});
}

Sizes square(Index time) { return {.tq = time, .tk = time}; }

struct Sticks {
  Matd weights, rest;  // A (T,T), r (T,1)
};

// By the definition: one stick after the other.
Sticks by_definition(const Matd& q, const Matd& k, bool current) {
  Sticks out{Matd::Zero(q.rows(), k.rows()), Matd::Ones(q.rows(), 1)};
  for (Index i = 0; i < q.rows(); ++i)
    for (Index j = current ? i : i - 1; j >= 0; --j) {
      const double beta =
          1 / (1 + std::exp(-q.row(i).dot(k.row(j)) / std::sqrt(static_cast<double>(q.cols()))));
      out.weights(i, j) = beta * out.rest(i, 0);
      out.rest(i, 0) *= 1 - beta;
    }
  return out;
}

}  // namespace

TEST_CASE("stick-breaking attention agrees with its definition for every tile size and option") {
  for (Index tile : {1, 2, 3, 5, 64})
    for (bool current : {false, true})
      for (const char* remainder : {"drop", "current_value", "head_bias"}) {
        CAPTURE(tile, current, remainder);
        KernelRun run("stick_breaking", sticks(current, remainder, tile), square(9));
        for (double& x : run.params.values()) x = 0.5;
        run.forward();
        for (Index h = 0; h < 2; ++h) {
          const Matd v = run.head(run.v, 9, 4, 1, h);
          const Sticks wanted =
              by_definition(run.head(run.q, 9, 4, 1, h), run.head(run.k, 9, 4, 1, h), current);
          Matd o = wanted.weights.lazyProduct(v);
          for (Index i = 0; i < 9; ++i) {
            if (*remainder == 'c') o.row(i) += wanted.rest(i, 0) * v.row(i);
            if (*remainder == 'h') o.row(i).array() += wanted.rest(i, 0) * 0.5;
          }
          CHECK(distance(run.weights(1, h), wanted.weights) < kRounding);
          CHECK(distance(run.head(run.o, 9, 4, 1, h), o) < kRounding);
        }
      }
}

TEST_CASE("stick-breaking attention: gradients agree with central differences") {
  for (Index tile : {1, 3, 64})
    for (bool current : {false, true})
      for (const char* remainder : {"drop", "current_value", "head_bias"}) {
        CAPTURE(tile, current, remainder);
        Sizes sizes = square(7);
        sizes.slope = 0.3;
        KernelRun run("stick_breaking", sticks(current, remainder, tile), sizes);
        for (double& x : run.params.values()) x = 0.5;
        CHECK(distance_from_differences(run) < kDifferences);
      }
}

TEST_CASE("stick-breaking attention: where all scores are zero, each key takes half of what is left") {
  for (bool current : {false, true}) {
    KernelRun run("stick_breaking", sticks(current, "drop", 3), square(8));
    std::ranges::fill(run.q, 0.0);
    run.forward();
    const Matd p = run.weights(0, 1);
    for (Index i = 0; i < 8; ++i)
      for (Index j = 0; j < 8; ++j) {
        const bool seen = current ? j <= i : j < i;
        const double share = std::exp2(static_cast<double>(j - i - (current ? 1 : 0)));
        CHECK(std::abs(p(i, j) - (seen ? share : 0)) < kRounding);
      }
  }
}

TEST_CASE("stick-breaking attention: a very low score deletes a key, a very high one hides all older keys") {
  KernelRun run("stick_breaking", sticks(false, "current_value"), {.batch = 1, .heads = 1, .tq = 7, .tk = 7});
  const auto set_key = [&](double first) {  // all queries have 1 in the first channel
    run.heads(run.k, 7, 4)(0, 0).row(3).setZero();
    run.heads(run.k, 7, 4)(0, 0)(3, 0) = first;
  };
  for (Index i = 0; i < 7; ++i) run.heads(run.q, 7, 4)(0, 0)(i, 0) = 1;
  set_key(-2000);
  run.run();
  CHECK(run.weights(0, 0).col(3).isZero(1e-300));
  CHECK(run.head(run.dk, 7, 4, 0, 0).row(3).isZero(1e-300));
  set_key(2000);
  run.run();
  CHECK(run.weights(0, 0).block(4, 0, 3, 3).isZero(1e-300));
  CHECK(run.head(run.o, 7, 4, 0, 0).row(4) == run.head(run.v, 7, 4, 0, 0).row(3));
  CHECK(run.head(run.dq, 7, 4, 0, 0).allFinite());
}

TEST_CASE("stick-breaking attention: the first row is zero, or what takes the remainder") {
  KernelRun dropped("stick_breaking", sticks(false), {}),
      kept("stick_breaking", sticks(false, "current_value"), {});
  dropped.forward(), kept.forward();
  CHECK(dropped.head(dropped.o, 5, 4, 1, 1).row(0).isZero(0));
  CHECK(kept.head(kept.o, 5, 4, 1, 1).row(0) == kept.head(kept.v, 5, 4, 1, 1).row(0));
}

TEST_CASE("stick-breaking attention: float agrees with double over thousands of keys") {
  constexpr Index length = 3000;
  const auto gradients = [&]<class S>(S) {
    Params<S> params;
    const LayerSpec<S> spec{.dim = 4, .context_dim = 4, .heads = 1, .length = length};
    const auto kernel = registry().variant("stick_breaking").make_kernel(sticks(true), spec, params);
    params.freeze();
    Draws draws = Rng(1, "x").at(0);
    Matrix<S> x(length, 4), o(length, 4), d_o(length, 4), dk = Matrix<S>::Zero(length, 4), other = dk;
    for (Matrix<S>* m : {&x, &d_o})
      for (Index i = 0; i < m->size(); ++i) m->data()[i] = static_cast<S>(static_cast<float>(draws.normal()));
    x.col(0).array() -= S(2);
    Matrix<S> q = -x;  // low scores: sticks that reach far back
    const auto heads = [&](Matrix<S>& m) { return Heads<S>{m.data(), 1, 1, length, 4}; };
    Step<S> step(1);
    kernel->forward(step, {heads(q), heads(x), heads(x), {}}, heads(o));
    kernel->backward(step, heads(d_o), {heads(other), heads(dk), heads(other), {}});
    Matd out(2 * length, 4);
    out << o.template cast<double>(), dk.template cast<double>();
    return out;
  };
  CHECK(distance(gradients(1.0F), gradients(1.0)) < 1e-4);
}

TEST_CASE("stick-breaking attention refuses queries without a key of their own") {
  KernelRun run("stick_breaking", sticks(false), {.tq = 6, .tk = 4});
  CHECK_THROWS_WITH(run.forward(), ContainsSubstring("6 queries and 4 keys"));
}
