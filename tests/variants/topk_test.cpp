#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/catch.h"
#include "tests/difference.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

// The k largest visible scores of each row, by sorting all of them.
auto chosen_by_sorting(KernelRun& run, Index k, Index b) {
  std::vector<Matd> seen;
  const Sizes& s = run.sizes;
  const double tau = 1 / std::sqrt(static_cast<double>(run.key));
  for (Index h = 0; h < s.heads; ++h) {
    Matd scores =
        tau *
        run.head(run.q, s.tq, run.key, b, h).lazyProduct(run.head(run.k, s.tk, run.key, b, h).transpose());
    seen.push_back(Matd::Zero(s.tq, s.tk));
    for (Index i = 0; i < s.tq; ++i) {
      std::vector<Index> keys;
      for (Index j = 0; j < s.tk; ++j) {
        const Index shift = run.mask().causal ? run.mask().offset : 0;
        scores(i, j) -= s.slope * static_cast<double>((h + 1) * std::abs(i + shift - j));
        if (!run.mask().hides(i, j)) keys.push_back(j);
      }
      std::stable_sort(keys.begin(), keys.end(),
                       [&](Index x, Index y) { return scores(i, x) > scores(i, y); });
      for (std::size_t n = 0; n < keys.size() && n < static_cast<std::size_t>(k); ++n)
        seen.back()(i, keys[n]) = 1;
    }
  }
  return [seen](Index h, Index i, Index j) { return seen[static_cast<std::size_t>(h)](i, j) == 1; };
}

const std::vector<Sizes> kShapes = {
    {.batch = 1, .tq = 1, .tk = 1},
    {.batch = 1, .tq = 12, .tk = 12},
    {.batch = 1, .tq = 7, .tk = 12, .value = 3, .causality = {.causal = false}},
    {.batch = 1, .tq = 12, .tk = 7, .causality = {.causal = false}, .slope = 0.2},
    {.batch = 1, .tq = 9, .tk = 6},  // the first rows see nothing
    {.batch = 1, .tq = 70, .tk = 70, .slope = 0.01},
};

Config top(Index k, Index tile) { return options({{"k", whole(k)}, {"tile", whole(tile)}}); }

}  // namespace

TEST_CASE("topk: top-k keeps the k largest visible scores and is softmax over them") {
  for (const Sizes& s : kShapes)
    for (Index k : {1, 4, 9})
      for (Index tile : {1, 3, 8, 64}) {
        CAPTURE(s.tq, s.tk, k, tile);
        KernelRun run("topk", top(k, tile), s);
        CHECK(distance_from_naive(run, 0.5, chosen_by_sorting(run, k, 0)) < 1e-12);
      }
}

TEST_CASE("topk: ties go to the lower key") {
  KernelRun run("topk", top(2, 2),
                {.batch = 1, .heads = 1, .tq = 2, .tk = 5, .causality = {.causal = false}});
  for (Index j = 0; j < 5; ++j) run.heads(run.k, 5, 4)(0, 0).row(j).setConstant(j == 3 ? 2 : 1);
  run.heads(run.q, 2, 4)(0, 0).row(0).setConstant(1);   // 3 is best, the rest are equal
  run.heads(run.q, 2, 4)(0, 0).row(1).setConstant(-1);  // 3 is worst
  run.forward();
  const Matd p = run.weights(0, 0);
  for (Index j = 0; j < 5; ++j) {
    CHECK((p(0, j) > 0) == (j == 3 || j == 0));
    CHECK((p(1, j) > 0) == (j == 0 || j == 1));
  }
}

TEST_CASE("topk: k as large as the length is dense attention") {
  for (const Sizes& s : kShapes)
    for (Index tile : {4, 64}) {
      CAPTURE(s.tq, s.tk, tile);
      KernelRun run("topk", top(1000, tile), s), dense("softmax", options({{"tile", whole(tile)}}), s);
      run.run(), dense.run();
      CHECK(largest_difference(run.o, dense.o) < 1e-13);
      CHECK(largest_difference(run.dq, dense.dq) < 1e-13);
      CHECK(largest_difference(run.dk, dense.dk) < 1e-13);
      CHECK(largest_difference(run.dv, dense.dv) < 1e-13);
    }
}

TEST_CASE("topk: top-k gradients agree with central differences away from a change of choice") {
  for (const Sizes& s : kShapes) {
    if (s.tq > 20) continue;
    KernelRun run("topk", top(3, 4), s);
    CHECK(distance_from_differences(run) < 1e-8);
  }
}

TEST_CASE("topk: a dropped key has no gradient and no influence") {
  KernelRun run("topk", top(2, 4),
                {.batch = 1, .heads = 1, .tq = 1, .tk = 6, .causality = {.causal = false}});
  run.run();
  const Matd p = run.weights(0, 0), dk = run.head(run.dk, 6, 4, 0, 0), o = run.head(run.o, 1, 4, 0, 0);
  for (Index j = 0; j < 6; ++j) {
    CHECK(dk.row(j).isZero(0) == (p(0, j) == 0));
    if (p(0, j) == 0) run.heads(run.v, 6, 4)(0, 0).row(j).setConstant(1e6);
  }
  run.run();
  CHECK(run.head(run.o, 1, 4, 0, 0) == o);
}

TEST_CASE("topk: top-k memory is linear in the length") {
  const auto reserved = [](Index n) {
    KernelRun run("topk", top(8, 64), {.batch = 1, .heads = 1, .tq = n, .tk = n});
    run.run();
    return run.step.reserved();
  };
  const std::size_t small = reserved(512), large = reserved(2048);
  CHECK(large <= 4 * small + (std::size_t{1} << 16));
  CHECK(large < 2048 * 2048 * sizeof(double) / 5);
}

TEST_CASE("topk: scores that are not numbers show in the output") {
  KernelRun run("topk", top(2, 4), {.batch = 1, .heads = 1, .tq = 8, .tk = 8});
  run.heads(run.q, 8, 4)(0, 0)(5, 1) = std::nan("");
  run.heads(run.v, 8, 4)(0, 0)(3, 1) = std::nan("");
  run.run();
  CHECK_FALSE(run.head(run.o, 8, 4, 0, 0).allFinite());
}
