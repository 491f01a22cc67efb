#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

Config blocks(Index block, Index top_k, Index tile) {
  return options({{"block", whole(block)}, {"top_k", whole(top_k)}, {"tile", whole(tile)}});
}

// The blocks of each query by the definition, with all gates sorted.
auto chosen_by_sorting(KernelRun& run, Index block, Index top_k, Index b) {
  std::vector<std::vector<std::set<Index>>> seen;
  const Index n = run.sizes.tq;
  for (Index h = 0; h < run.sizes.heads; ++h) {
    const Matd q = run.head(run.q, n, run.key, b, h), k = run.head(run.k, n, run.key, b, h);
    auto& rows = seen.emplace_back();
    for (Index i = 0; i < n; ++i) {
      std::vector<std::pair<double, Index>> gates;
      for (Index j = 0; j < i / block; ++j)
        gates.emplace_back(-q.row(i).dot(k.middleRows(j * block, block).colwise().mean()), j);
      std::sort(gates.begin(), gates.end());
      auto& own = rows.emplace_back(std::set<Index>{i / block});
      for (std::size_t g = 0; g < gates.size() && g < static_cast<std::size_t>(top_k - 1); ++g)
        own.insert(gates[g].second);
    }
  }
  return [seen, block](Index h, Index i, Index j) {
    return j <= i && seen[static_cast<std::size_t>(h)][static_cast<std::size_t>(i)].contains(j / block);
  };
}

}  // namespace

TEST_CASE("moba: a query sees its own block and the earlier blocks with the largest gates") {
  for (Index n : {1, 5, 14, 70})
    for (Index block : {1, 3, 8, 100})
      for (Index top_k : {1, 2, 4})
        for (Index tile : {1, 3, 16, 64}) {
          CAPTURE(n, block, top_k, tile);
          KernelRun run("moba", blocks(block, top_k, tile),
                        {.batch = 1, .tq = n, .tk = n, .value = 3, .slope = 0.1});
          const auto visible = chosen_by_sorting(run, block, top_k, 0);
          CHECK(distance_from_naive(run, 0.5, visible) < 1e-12);
          double pairs = 0, gates = 0;
          for (Index i = 0; i < n; ++i) {
            gates += static_cast<double>(i / block);
            for (Index j = 0; j < n; ++j) pairs += visible(0, i, j);
          }
          CHECK(run.kernel->cost(n, n).flops == 2 * (2 * pairs * 8 + 2 * gates * 4));
        }
}

TEST_CASE("moba: with all blocks, or one block, it is causal softmax") {
  const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](double x, double y) { return std::abs(x - y) < 1e-12; });
  };
  for (const auto& [block, top_k] : {std::pair<Index, Index>{3, 100}, {100, 1}, {13, 1}})
    for (Index tile : {4, 64}) {
      const Sizes s{.tq = 13, .tk = 13, .slope = 0.1};
      KernelRun run("moba", blocks(block, top_k, tile), s),
          dense("softmax", options({{"tile", whole(tile)}}), s);
      run.run(), dense.run();
      CAPTURE(block, top_k, tile);
      CHECK(near(run.o, dense.o));
      CHECK(near(run.dq, dense.dq));
      CHECK(near(run.dk, dense.dk));
      CHECK(near(run.dv, dense.dv));
    }
}

TEST_CASE("moba: with only the own block it is attention within blocks") {
  KernelRun run("moba", blocks(4, 1, 8), {.tq = 23, .tk = 23});
  CHECK(distance_from_naive(run, 0.5, [](Index, Index i, Index j) { return j <= i && i / 4 == j / 4; }) <
        1e-12);
}

TEST_CASE("moba: ties go to the lower block, for any number of blocks and any query") {
  constexpr Index kBlock = 3;
  for (Index n = 4; n <= 120; n += 7)
    for (Index tile : {1, 5, 64}) {
      KernelRun run("moba", blocks(kBlock, 2, tile), {.batch = 1, .heads = 1, .tq = n, .tk = n});
      const Heads<double> k = run.heads(run.k, n, run.key);
      for (Index j = kBlock; j < n; ++j) k(0, 0).row(j) = k(0, 0).row(j % kBlock);  // all blocks are equal
      run.forward();
      const Matd p = run.weights(0, 0);
      Index wrong = 0;
      for (Index i = 0; i < n; ++i)
        for (Index j = 0; j <= i; ++j)
          wrong += (p(i, j) > 0) != (j / kBlock == 0 || j / kBlock == i / kBlock);
      CAPTURE(n, tile);
      CHECK(wrong == 0);
    }
}

TEST_CASE("moba: a block that is not chosen has no gradient") {
  KernelRun run("moba", blocks(2, 2, 8), {.batch = 1, .heads = 1, .tq = 9, .tk = 9});
  run.forward();
  const Matd p = run.weights(0, 0);
  std::ranges::fill(run.upstream, 0);
  run.heads(run.upstream, 9, run.sizes.value)(0, 0).row(8).setOnes();  // only the last query
  run.backward();
  for (Index j = 0; j < 9; ++j)
    CHECK((run.head(run.dv, 9, run.sizes.value, 0, 0).row(j).array() != 0).any() == (p(8, j) > 0));
}

TEST_CASE("moba: gradients agree with central differences away from a change of choice") {
  KernelRun run("moba", blocks(3, 2, 4), {.batch = 1, .tq = 11, .tk = 11});
  CHECK(distance_from_differences(run) < 1e-8);
}

TEST_CASE("moba: memory is linear in the length for a fixed number of blocks") {
  const auto reserved = [](Index n) {
    KernelRun run("moba", blocks(n / 8, 2, 64), {.batch = 1, .heads = 1, .tq = n, .tk = n});
    run.run();
    return run.step.reserved();
  };
  CHECK(reserved(2048) <= 4 * reserved(512) + (std::size_t{1} << 16));
}
