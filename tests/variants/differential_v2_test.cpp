// Differential attention, second version: what it becomes in special cases.
#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/catch.h"
#include "tests/difference.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr double kRounding = 1e-12, kDifferences = 1e-6;

Config with_tile(Index tile, Index key_heads = 0) {
  return options({{"tile", whole(tile)}, {"key_heads", whole(key_heads)}});
}

double lambda(KernelRun& run, Index b, Index h, Index i) {
  return 1 / (1 + std::exp(-run.heads(run.extra[0], run.sizes.tq, 1)(b, h)(i, 0)));
}

// Map m of the queries of all heads: half of each head's columns.
std::vector<double> map_of_queries(const KernelRun& run, Index m) {
  std::vector<double> out;
  for (std::size_t at = 0; at < run.q.size(); ++at)
    if (static_cast<Index>(at) % run.query / run.key == m) out.push_back(run.q[at]);
  return out;
}

// Runs softmax attention on the first maps, with the same keys and values.
void run_first_maps(const KernelRun& run, KernelRun& softmax) {
  softmax.q = map_of_queries(run, 0), softmax.k = run.k, softmax.v = run.v, softmax.upstream = run.upstream;
  softmax.run();
}

}  // namespace

TEST_CASE("differential_v2: gradients agree with central differences, with shared keys and every tile size") {
  for (Index tile : {1, 3, 64})
    for (Index key_heads : {1, 2, 4}) {
      CAPTURE(tile, key_heads);
      KernelRun run("differential_v2", with_tile(tile, key_heads),
                    {.heads = 4, .tq = 5, .tk = 7, .slope = 0.2});
      CHECK(distance_from_differences(run) < kDifferences);
    }
}

TEST_CASE("differential_v2: with lambda 0 it is softmax attention with the first maps") {
  const Config chosen = with_tile(3, 1);
  KernelRun run("differential_v2", chosen, {});
  std::ranges::fill(run.extra[0], -800.0);
  run.run();
  KernelRun softmax("softmax", chosen, {});
  run_first_maps(run, softmax);
  CHECK(largest_difference(run.o, softmax.o) < kRounding);
  CHECK(largest_difference(run.dk, softmax.dk) < kRounding);
  CHECK(largest_difference(run.dv, softmax.dv) < kRounding);
}

TEST_CASE("differential_v2: with equal maps it is 1 - lambda times softmax attention") {
  const Config chosen = with_tile(64);
  KernelRun run("differential_v2", chosen, {});
  for (std::size_t at = 0; at < run.q.size(); ++at)
    if (static_cast<Index>(at) % run.query >= run.key)
      run.q[at] = run.q[at - static_cast<std::size_t>(run.key)];
  run.forward();
  KernelRun softmax("softmax", chosen, {});
  run_first_maps(run, softmax);
  for (Index b = 0; b < 2; ++b)
    for (Index h = 0; h < 2; ++h)
      for (Index i = 0; i < 5; ++i)
        CHECK(distance(run.head(run.o, 5, 4, b, h).row(i),
                       (1 - lambda(run, b, h, i)) * softmax.head(softmax.o, 5, 4, b, h).row(i)) < kRounding);
}

TEST_CASE("differential_v2: weights give the output, and each row sums to 1 - lambda") {
  KernelRun run("differential_v2", with_tile(2), {.tq = 6, .tk = 6});
  run.forward();
  for (Index b = 0; b < 2; ++b)
    for (Index h = 0; h < 2; ++h) {
      const Matd p = run.weights(b, h), v = run.head(run.v, 6, 4, b, h);
      CHECK(distance(p.lazyProduct(v), run.head(run.o, 6, 4, b, h)) < kRounding);
      for (Index i = 0; i < 6; ++i) CHECK(std::abs(p.row(i).sum() - 1 + lambda(run, b, h, i)) < kRounding);
      CHECK(distance(run.head(run.o, 6, 4, b, h).row(0), (1 - lambda(run, b, h, 0)) * v.row(0)) < kRounding);
    }
}

TEST_CASE(
    "differential_v2: a layer has twice the queries of softmax, and one number for each head's lambda") {
  const auto count = [](const char* name) {
    Params<float> params;
    const LayerSpec<float> spec{.dim = 24, .context_dim = 24, .heads = 4, .length = 8, .bias = false};
    Problems problems;
    const VariantInfo& info = registry().variant(name);
    const auto layer =
        info.make<float>(info.resolve(options({{"key_heads", whole(2)}}), name, problems), spec, params);
    Index sum = 0;
    for (const ParamInfo& p : params.infos()) sum += p.rows * p.cols;
    return sum;
  };
  CHECK(count("differential_v2") - count("softmax") == 24 * 24 + 24 * 4);
}
