#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/catch.h"
#include "tests/variants/kernel_run.h"

using namespace heed;
using namespace heed::test;

namespace {

Config nsa(Index block, Index blocks, Index window, Index key_heads, Index tile) {
  return options({{"block", whole(block)},
                  {"blocks", whole(blocks)},
                  {"window", whole(window)},
                  {"key_heads", whole(key_heads)},
                  {"tile", whole(tile)}});
}

// Only one branch: 0 compressed, 1 selected, 2 window.
void open(KernelRun& run, std::size_t branch) {
  for (std::size_t b = 0; b < 3; ++b)
    std::fill(run.extra[b].begin(), run.extra[b].end(), b == branch ? 1e3 : -1e3);
}

Visible visible_in_window(Index window) {
  return [window](Index i, Index j) { return j <= i && i - j < window; };
}

}  // namespace

TEST_CASE("nsa: gradients agree with central differences away from a change of choice") {
  for (Index key_heads : {1, 2, 4})
    for (Index tile : {2, 64}) {
      KernelRun run("nsa", nsa(2, 4, 3, key_heads, tile),
                    {.batch = 1, .heads = 4, .tq = 13, .tk = 13, .value = 4, .slope = 0.1});
      CAPTURE(key_heads, tile);
      CHECK(distance_from_differences(run) < 1e-8);
    }
}

TEST_CASE("nsa: with only the gate of the window open it is window attention") {
  for (Index tile : {3, 64}) {
    KernelRun run("nsa", nsa(3, 3, 5, 0, tile), {.tq = 17, .tk = 17, .slope = 0.1});
    open(run, 2);
    const Visible in_window = visible_in_window(5);
    CHECK(distance_from_naive(run, 0.5, [&](Index, Index i, Index j) { return in_window(i, j); }) < 1e-12);
  }
}

TEST_CASE("nsa: the selected branch with all blocks is causal softmax") {
  KernelRun run("nsa", nsa(3, 100, 5, 0, 4), {.tq = 17, .tk = 17, .slope = 0.1});
  open(run, 1);
  CHECK(distance_from_naive(run, 0.5, [](Index, Index i, Index j) { return j <= i; }) < 1e-12);
}

TEST_CASE("nsa: the compressed branch is softmax over means of complete blocks, and 0 before the first") {
  KernelRun run("nsa", nsa(3, 4, 5, 0, 4), {.batch = 1, .heads = 1, .tq = 11, .tk = 11});
  open(run, 0);
  run.forward();
  const Matd q = run.head(run.q, 11, 4, 0, 0), k = run.head(run.k, 11, 4, 0, 0),
             v = run.head(run.v, 11, 4, 0, 0);
  for (Index i = 0; i < 11; ++i) {
    Matd sum = Matd::Zero(1, 4);
    double all = 0;
    for (Index block = 0; (block + 1) * 3 <= i + 1; ++block) {
      const double weight = std::exp(0.5 * q.row(i).dot(k.middleRows(3 * block, 3).colwise().mean()));
      all += weight, sum += weight * v.middleRows(3 * block, 3).colwise().mean();
    }
    if (all > 0) sum /= all;
    CHECK((run.head(run.o, 11, 4, 0, 0).row(i) - sum).cwiseAbs().maxCoeff() < 1e-12);
  }
}

TEST_CASE("nsa: the heads of a group select the same blocks, at most as many as asked for") {
  KernelRun run("nsa", nsa(2, 4, 1, 2, 8), {.batch = 2, .heads = 4, .tq = 25, .tk = 25});
  open(run, 1);
  run.forward();
  for (Index b = 0; b < 2; ++b)
    for (Index g = 0; g < 2; ++g) {
      const Matd one = run.weights(b, 2 * g), other = run.weights(b, 2 * g + 1);
      for (Index i = 0; i < 25; ++i) {
        Index blocks = 0;
        for (Index j = 0; j < 25; j += 2) blocks += one(i, j) > 0;
        CHECK(blocks == std::min<Index>(4, i / 2 + 1));
        for (Index j = 0; j < 25; ++j) CHECK((one(i, j) > 0) == (other(i, j) > 0));
        for (Index j : {Index{0}, i, std::max<Index>(i / 2 * 2 - 1, 0)}) CHECK(one(i, j) > 0);
      }
    }
}

TEST_CASE("nsa: ties go to the lower block") {
  const Index n = 40;
  KernelRun run("nsa", nsa(3, 5, 1, 1, 64), {.batch = 1, .heads = 2, .tq = n, .tk = n});
  for (Index j = 3; j < n; ++j) run.heads(run.k, n, 4)(0, 0).row(j) = run.heads(run.k, n, 4)(0, 0).row(j % 3);
  open(run, 1);
  run.forward();
  const Matd p = run.weights(0, 0);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j <= i; ++j) CHECK((p(i, j) > 0) == (j / 3 < 3 || j / 3 >= i / 3 - 1));
}

TEST_CASE("nsa: the shown weights times the values are the output") {
  KernelRun run("nsa", nsa(3, 4, 4, 1, 8), {.tq = 20, .tk = 20, .value = 4});
  run.forward();
  for (Index h = 0; h < 2; ++h)
    CHECK(distance(run.weights(1, h) * run.head(run.v, 20, 4, 1, h), run.head(run.o, 20, 4, 1, h)) < 1e-12);
}
