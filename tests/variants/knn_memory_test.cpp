// Nearest-neighbor memory: by the definition, and the gradient that is defined with a constant store.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/check/conformance.h"
#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr double kRounding = 1e-12, kDifferences = 1e-6;

Config knn(const char* combine, Index neighbors, Index segment, Index tile = 64) {
  return options({{"combine", Config::scalar(combine)},
                  {"neighbors", whole(neighbors)},
                  {"segment", whole(segment)},
                  {"tile", whole(tile)}});
}
constexpr const char* kCombine[] = {"gate", "joint_softmax"};

Sizes square(Index time) { return {.heads = 3, .tq = time, .tk = time}; }

void set_gates(KernelRun& run, double logit) { run.params.find("gate_logit").value().setConstant(logit); }

// Whether query i retrieves key j: a sort by score, then by position.
bool retrieves(const Matd& q, const Matd& k, Index i, Index j, Index neighbors, Index stored) {
  std::vector<Index> order(static_cast<std::size_t>(stored));
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](Index key) { return q.row(i).dot(k.row(key)); });
  order.resize(static_cast<std::size_t>(std::min(stored, neighbors)));
  return std::ranges::find(order, j) != order.end();
}

// The weights of one head, from the definition.
Matd weights_by_definition(KernelRun& run, Index b, Index h, const char* combine, Index neighbors,
                           Index segment) {
  const Sizes& s = run.sizes;
  const Matd q = run.head(run.q, s.tq, s.width, b, h), k = run.head(run.k, s.tk, s.width, b, h);
  const Matd v = run.head(run.v, s.tk, s.value, b, h), none = Matd::Zero(s.tq, s.value);
  const Index offset = run.mask().offset;
  const auto stored = [&](Index i) { return (i + offset) / segment * segment; };
  const auto local = [&](Index i, Index j) { return j >= stored(i) && j <= i + offset; };
  const auto in_store = [&](Index i, Index j) {
    return j < stored(i) && retrieves(q, k, i, j, neighbors, stored(i));
  };
  const double tau = 1 / std::sqrt(static_cast<double>(s.width));
  const auto p = [&](const Visible& visible) { return naive_softmax(q, k, v, none, tau, visible).p; };
  if (*combine == 'j') return p([&](Index i, Index j) { return local(i, j) || in_store(i, j); });
  Matd of_local = p(local), of_store = p(in_store);
  const double g = 1 / (1 + std::exp(-run.params.find("gate_logit").value()(h, 0)));
  for (Index i = 0; i < s.tq; ++i)
    if (stored(i) > 0) of_local.row(i) = (1 - g) * of_local.row(i) + g * of_store.row(i);
  return of_local;
}

bool all_zero(const std::vector<double>& x) {
  return std::ranges::all_of(x, [](double v) { return v == 0; });
}

}  // namespace

TEST_CASE("knn_memory: agrees with the definition, with every tile size") {
  for (const char* combine : kCombine)
    for (Index segment : {2, 3, 4})
      for (Index neighbors : {1, 2, 5})
        for (Index tile : {1, 2, 3, 64})
          for (const Sizes& s : {square(13), Sizes{.heads = 3, .tq = 5, .tk = 13}}) {
            CAPTURE(combine, segment, neighbors, tile, s.tq);
            KernelRun run("knn_memory", knn(combine, neighbors, segment, tile), s);
            if (*combine == 'g')
              for (Index h = 0; h < 3; ++h)
                run.params.find("gate_logit").value()(h, 0) = static_cast<double>(h) - 0.5;
            run.forward();
            for (Index h = 0; h < 3; ++h) {
              const Matd wanted = weights_by_definition(run, 1, h, combine, neighbors, segment);
              CHECK(distance(run.weights(1, h), wanted) < kRounding);
              CHECK(distance(run.head(run.o, s.tq, 4, 1, h),
                             wanted.lazyProduct(run.head(run.v, s.tk, 4, 1, h))) < kRounding);
            }
          }
}

TEST_CASE("knn_memory: gradients agree with central differences of a constant store, and only then") {
  for (const char* combine : kCombine)
    for (Index tile : {1, 3, 64}) {
      CAPTURE(combine, tile);
      Sizes s = square(8);
      s.slope = 0.2;
      KernelRun run("knn_memory", knn(combine, 2, 3, tile), s);
      if (*combine == 'g') set_gates(run, 0.3);
      CHECK(distance_from_differences(run) > 0.01);  // the store follows keys and values
      run.forward();
      run.kernel->hold();
      CHECK(distance_from_differences(run) < kDifferences);
    }
}

TEST_CASE("knn_memory: stored keys and values get a gradient of exactly zero") {
  for (const char* combine : kCombine) {
    // The queries are the third segment. Keys and values of the first two are only stored.
    KernelRun run("knn_memory", knn(combine, 2, 3), {.batch = 1, .heads = 1, .tq = 3, .tk = 9});
    run.run();
    CAPTURE(combine);
    const auto of_store = [](const std::vector<double>& d) {
      return std::vector<double>(d.begin(), d.begin() + 6 * 4);
    };
    CHECK(all_zero(of_store(run.dk)));
    CHECK(all_zero(of_store(run.dv)));
    CHECK_FALSE(all_zero(run.dk));
    CHECK(run.weights(0, 0).leftCols(6).rowwise().sum().minCoeff() > 0.01);
  }
}

TEST_CASE("knn_memory: in the first segment it has the bits of softmax") {
  for (const char* combine : kCombine) {
    KernelRun run("knn_memory", knn(combine, 2, 9), square(9)), softmax("softmax", Config::map(), square(9));
    run.run(), softmax.run();
    CAPTURE(combine);
    CHECK(run.o == softmax.o);
    CHECK(run.dq == softmax.dq);
    CHECK(run.dk == softmax.dk);
    CHECK(run.dv == softmax.dv);
    CHECK(std::ranges::all_of(run.params.grads(), [](double d) { return d == 0; }));
  }
}

TEST_CASE("knn_memory: one softmax over all stored keys is causal softmax") {
  KernelRun run("knn_memory", knn("joint_softmax", 20, 3), square(11));
  KernelRun softmax("softmax", Config::map(), square(11));
  run.run(), softmax.run();
  CHECK(distance(run.weights(1, 2), softmax.weights(1, 2)) < kRounding);
  for (std::size_t i = 0; i < run.dq.size(); ++i) CHECK(std::abs(run.dq[i] - softmax.dq[i]) < kRounding);
}

TEST_CASE("knn_memory: a closed gate leaves the segment, an open one the retrieved keys") {
  const Index segment = 4;
  KernelRun run("knn_memory", knn("gate", 3, segment), square(10));
  const auto weight_on_store = [&](Index i) {
    return run.weights(0, 0).row(i).head(i / segment * segment).sum();
  };
  for (const double logit : {-1000.0, 0.0, 1000.0}) {
    set_gates(run, logit);
    run.forward();
    CAPTURE(logit);
    for (Index i = 0; i < 10; ++i) {
      const double wanted = i < segment ? 0 : 1 / (1 + std::exp(-logit));
      CHECK(std::abs(weight_on_store(i) - wanted) < kRounding);
      CHECK((run.weights(0, 0).row(i).head(i / segment * segment).array() > 0).count() <= 3);
      CHECK(std::abs(run.weights(0, 0).row(i).sum() - 1) < kRounding);
    }
  }
}

TEST_CASE("knn_memory: of equal keys it retrieves the first") {
  KernelRun run("knn_memory", knn("gate", 2, 5), square(10));
  std::ranges::fill(run.k, 0.5);
  run.forward();
  for (Index i = 5; i < 10; ++i) {
    CHECK(run.weights(1, 1).row(i).head(2).minCoeff() > 0);
    CHECK(run.weights(1, 1).row(i).segment(2, 3).isZero(0));
  }
}

TEST_CASE("knn_memory: passes the conformance suite with segments that are shorter than its sequences") {
  const VariantInfo& variant = registry().variant("knn_memory");
  const ConformanceContext context{.positions = all_positions(registry())};
  for (const char* combine : kCombine) {
    Problems problems;
    const Config chosen = variant.resolve(knn(combine, 2, 3), "knn_memory", problems);
    for (const CheckResult& r : run_conformance(variant, chosen, context)) {
      INFO(r.subject << ": " << r.check << ": " << r.message);
      CHECK(r.verdict != Verdict::failed);
    }
  }
}
