#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/variants/gradients.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr double kRounding = 1e-13;
constexpr double kDifferences = 1e-8;  // as for softmax: central differences at step 1e-5

KernelRun linear(Index chunk, const Sizes& sizes) {
  return KernelRun("linear", options({{"chunk", whole(chunk)}}), sizes);
}

double feature(double x) { return x > 0 ? x + 1 : std::exp(x); }

// The definition of one head: weights of each query over the keys that it sees, and the weighted sum of the
// values.
struct Quadratic {
  Matd p, o;
  std::vector<double> z;
};

Quadratic quadratic(const Matd& q, const Matd& k, const Matd& v, bool causal, double eps = 1e-6) {
  Quadratic out{Matd::Zero(q.rows(), k.rows()), Matd::Zero(q.rows(), v.cols()), {}};
  for (Index i = 0; i < q.rows(); ++i) {
    double z = eps;
    for (Index j = 0; j < (causal ? i + 1 : k.rows()); ++j) {
      for (Index c = 0; c < q.cols(); ++c) out.p(i, j) += feature(q(i, c)) * feature(k(j, c));
      z += out.p(i, j);
    }
    out.p.row(i) /= z;
    out.o.row(i) = out.p.row(i) * v;
    out.z.push_back(z);
  }
  return out;
}

Quadratic quadratic(KernelRun& run, Index b, Index h) {
  const Sizes& s = run.sizes;
  return quadratic(run.head(run.q, s.tq, run.key, b, h), run.head(run.k, s.tk, run.key, b, h),
                   run.head(run.v, s.tk, s.value, b, h), s.causality.causal);
}

const Causality kFree = {.causal = false};

}  // namespace

TEST_CASE("linear attention equals its quadratic form, whatever the chunk") {
  for (const Sizes& s :
       {Sizes{.tq = 13, .tk = 13, .value = 6}, Sizes{.tq = 1, .tk = 1},
        Sizes{.tq = 13, .tk = 13, .width = 3, .causality = kFree},
        Sizes{.tq = 5, .tk = 11, .causality = kFree}, Sizes{.tq = 11, .tk = 5, .causality = kFree}})
    for (const Index chunk : {1, 5, 64}) {
      CAPTURE(s.tq, s.tk, s.causality.causal, chunk);
      KernelRun run = linear(chunk, s);
      run.forward();
      for (Index b = 0; b < s.batch; ++b)
        for (Index h = 0; h < s.heads; ++h) {
          const Quadratic expected = quadratic(run, b, h);
          CHECK(distance(run.head(run.o, s.tq, s.value, b, h), expected.o) < kRounding);
          CHECK(distance(run.weights(b, h), expected.p) < kRounding);
        }
    }
}

TEST_CASE("linear attention's gradients agree with central differences, whatever the chunk") {
  for (const Sizes& s : {Sizes{.tq = 7, .tk = 7, .width = 3, .value = 5}, Sizes{.tq = 1, .tk = 1},
                         Sizes{.tq = 7, .tk = 4, .width = 3, .value = 5, .causality = kFree},
                         Sizes{.tq = 4, .tk = 7, .value = 2, .causality = kFree}})
    for (const Index chunk : {1, 3, 64}) {
      CAPTURE(s.tq, s.tk, s.causality.causal, chunk);
      KernelRun run = linear(chunk, s);
      CHECK(distance_from_differences(run) < kDifferences);
    }
}

TEST_CASE("linear attention's gradients do not depend on the chunk") {
  KernelRun one = linear(64, {.tq = 13, .tk = 13});
  one.run();
  for (const Index chunk : {1, 5, 12}) {
    KernelRun other = linear(chunk, {.tq = 13, .tk = 13});
    other.run();
    for (std::size_t i = 0; i < one.dq.size(); ++i) {
      REQUIRE(other.dq[i] == Approx(one.dq[i]).epsilon(1e-11).margin(1e-13));
      REQUIRE(other.dk[i] == Approx(one.dk[i]).epsilon(1e-11).margin(1e-13));
      REQUIRE(other.dv[i] == Approx(one.dv[i]).epsilon(1e-11).margin(1e-13));
    }
  }
}

TEST_CASE("linear attention as a layer: gradients of projections, x and context") {
  for (const bool cross : {false, true}) {
    Bench<double> bench(registry().variant("linear"), options({{"chunk", whole(4)}}),
                        {.batch = 2,
                         .time = 7,
                         .heads = 3,
                         .dim = 6,
                         .cross = cross,
                         .context_time = 5,
                         .context_dim = 4,
                         .causality = {.causal = !cross}});
    CHECK(gradient_fault(bench) == "");
  }
}

TEST_CASE("linear attention of two tokens, by hand") {
  // f(0) = 1, f(1) = 2. Causal, one channel:
  //     o_0 = 1*2*3 / (1*2 + eps)
  //     o_1 = (2*2*3 + 2*1*6) / (2*2 + 2*1 + eps)
  KernelRun run = linear(64, {.batch = 1, .heads = 1, .tq = 2, .tk = 2, .width = 1, .value = 1});
  run.q = {0, 1}, run.k = {1, 0}, run.v = {3, 6}, run.upstream = {0, 1};
  run.run();
  CHECK(run.o[0] == Approx(6 / (2 + 1e-6)).epsilon(1e-15));
  CHECK(run.o[1] == Approx(24 / (6 + 1e-6)).epsilon(1e-15));
  // without eps: do_1/dv = (4, 2) / 6;  dk_0 = f(q_1) (v_0 - o_1) / z_1 = 2 (3 - 4) / 6;  dk_1 = 2 (6 - 4) /
  // 6
  CHECK(run.dv[0] == Approx(4.0 / 6).epsilon(1e-6));
  CHECK(run.dv[1] == Approx(2.0 / 6).epsilon(1e-6));
  CHECK(run.dk[0] == Approx(-2.0 / 6).epsilon(1e-5));
  CHECK(run.dk[1] == Approx(4.0 / 6).epsilon(1e-5));
  CHECK(run.dq[1] == Approx(0).margin(1e-5));  // doubling f(q) changes nothing but eps' share
}

TEST_CASE("linear attention's weights are positive and sum to 1 - eps / z; constant values shrink as much") {
  KernelRun run = linear(4, {.batch = 1, .heads = 1, .tq = 9, .tk = 9});
  std::ranges::fill(run.v, 3.0);
  run.forward();
  const Matd p = run.weights(0, 0);
  const Quadratic expected = quadratic(run, 0, 0);
  for (Index i = 0; i < 9; ++i) {
    const double sum = 1 - 1e-6 / expected.z[static_cast<std::size_t>(i)];
    CHECK(p.row(i).head(i + 1).minCoeff() > 0);
    CHECK(p.row(i).sum() == Approx(sum).epsilon(1e-14));
    CHECK(p.row(i).tail(8 - i).cwiseAbs().sum() == 0);
    CHECK(run.o[static_cast<std::size_t>(4 * i)] == Approx(3 * sum).epsilon(1e-14));
  }
}

TEST_CASE("linear attention without a mask does not see the order of the keys") {
  KernelRun run = linear(3, {.batch = 1, .heads = 1, .tq = 5, .tk = 8, .causality = kFree});
  run.forward();
  const std::vector<double> before = run.o;
  const Heads<double> k = run.heads(run.k, 8, 4), v = run.heads(run.v, 8, 4);
  k(0, 0) = k(0, 0).colwise().reverse().eval();
  v(0, 0) = v(0, 0).colwise().reverse().eval();
  run.forward();
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(run.o[i] == Approx(before[i]).epsilon(1e-13));
}

TEST_CASE("causal linear attention: what comes later changes no bit of what came before") {
  for (const Index chunk : {1, 5, 64}) {
    const Sizes s{.batch = 1, .heads = 1, .tq = 13, .tk = 13};
    KernelRun run = linear(chunk, s);
    run.forward();
    for (const Index t : {1, 4, 6, 12}) {
      KernelRun other = linear(chunk, s);
      other.heads(other.q, 13, 4)(0, 0).row(t).setConstant(1);
      other.heads(other.k, 13, 4)(0, 0).row(t).setConstant(3);
      other.heads(other.v, 13, 4)(0, 0).row(t).setConstant(-7);
      other.forward();
      CHECK(std::equal(run.o.begin(), run.o.begin() + 4 * t, other.o.begin()));
      CHECK(run.o[static_cast<std::size_t>(4 * t)] != other.o[static_cast<std::size_t>(4 * t)]);
    }
  }
}

TEST_CASE("causal linear attention: no gradient reaches what comes after the loss") {
  KernelRun run = linear(5, {.batch = 1, .heads = 1, .tq = 13, .tk = 13});
  std::fill(run.upstream.begin() + 4 * 7, run.upstream.end(), 0.0);
  run.run();
  for (const std::vector<double>* d : {&run.dq, &run.dk, &run.dv})
    CHECK(std::all_of(d->begin() + 4 * 7, d->end(), [](double x) { return x == 0; }));
}

TEST_CASE("very negative inputs: features keep their digits and the output shrinks as eps says") {
  KernelRun run = linear(64, {.batch = 1, .heads = 1, .tq = 1, .tk = 1, .width = 1, .value = 1});
  run.q = {-40}, run.k = {0}, run.v = {5}, run.upstream = {1};
  run.run();
  const double a = std::exp(-40.0);  // 4e-18, where expm1(-40) + 1 is 0
  CHECK(run.o[0] == Approx(5 * a / (a + 1e-6)).epsilon(1e-12));
  CHECK(run.dq[0] == Approx(5 * a * 1e-6 / ((a + 1e-6) * (a + 1e-6))).epsilon(1e-12));
}

TEMPLATE_TEST_CASE("linear attention: extreme inputs give finite outputs and gradients", "", float, double) {
  for (const double size : {50.0, 1e4}) {
    Bench<TestType> bench(registry().variant("linear"), options({{"chunk", whole(3)}}),
                          {.batch = 2, .time = 7, .heads = 3, .dim = 6});
    bench.x *= static_cast<TestType>(size);
    bench.run();
    CHECK(bench.y.allFinite());
    CHECK(bench.dx.allFinite());
    CHECK(std::ranges::all_of(bench.params.grads(), [](TestType g) { return std::isfinite(g); }));
  }
}

TEST_CASE("linear attention does not swallow a NaN") {
  KernelRun run = linear(64, {.batch = 1, .heads = 1, .tq = 7, .tk = 7});
  run.k[4 * 2 + 1] = std::numeric_limits<double>::quiet_NaN();
  run.forward();
  CHECK(std::isnan(run.o[4 * 6]));
}

TEST_CASE("linear attention gives the same bits for 1, 2 and 5 threads") {
  const Setup setup{.batch = 3, .time = 70, .heads = 3, .dim = 24};
  Bench<float> one(registry().variant("linear"), Config::map(), setup, 1);
  one.run();
  for (const int threads : {2, 5}) {
    Bench<float> more(registry().variant("linear"), Config::map(), setup, threads);
    more.run();
    CHECK(one.y == more.y);
    CHECK(one.dx == more.dx);
    CHECK(std::ranges::equal(one.params.grads(), more.params.grads()));
  }
}

TEST_CASE("linear attention refuses what it cannot do") {
  const auto forward = [&](Index tq, Index tk, std::optional<Index> offset) {
    linear(64, {.tq = tq, .tk = tk, .causality = {.causal = true, .offset = offset}}).forward();
  };
  CHECK_THROWS_AS(forward(3, 5, {}), Error);
  CHECK_THROWS_WITH(forward(5, 3, {}), ContainsSubstring("5 queries and 3 keys"));
  CHECK_THROWS_AS(forward(5, 5, 1), Error);
  CHECK_NOTHROW(forward(5, 5, 0));

  Params<float> params;
  const auto alibi = registry().position("alibi").make<float>(Config::map(), {8, 2, 4}, params);
  const LayerSpec<float> spec{.dim = 8, .context_dim = 8, .heads = 2, .position = alibi.get()};
  CHECK_THROWS_WITH(registry().variant("linear").make<float>(Config::map(), spec, params),
                    ContainsSubstring("alibi"));
}

TEST_CASE("linear attention's cost grows with the length, its state does not") {
  KernelRun run = linear(64, {.heads = 2, .width = 4, .causality = kFree});
  const HeadKernel<double>& kernel = *run.kernel;
  CHECK(kernel.cost(10, 10).flops == 2 * 2 * 20 * 4 * 4);
  CHECK(kernel.cost(20, 20).flops == 2 * kernel.cost(10, 10).flops);
  CHECK(kernel.cost(10, 10).state_bytes == 2 * 4 * (4 * 4 + 4));
  CHECK(kernel.cost(20, 20).state_bytes == kernel.cost(10, 10).state_bytes);
}
