#include <cmath>
#include <limits>
#include <set>

#include "tests/catch.h"
#include "variants/parts/sparse_patterns.h"
#include "variants/parts/tiled_softmax.h"

using namespace heed;

namespace {

using Table = Eigen::Matrix<int, Eigen::Dynamic, Eigen::Dynamic>;

template <class Pattern>
Table table(const Pattern& pattern, Index n) {
  Table t = Table::Zero(n, n);
  for (Index p = 0; p < n; ++p)
    keys_below(n, pattern, p, [&](const Stretch& keys) {
      for (Index j = keys.first; j < keys.end; j += keys.step) ++t(p, j);
    });
  return t;
}

// How often each pair is in a plan and not hidden.
Table expand(const BlockPlan& plan, Index tq, Index tk) {
  Table t = Table::Zero(tq, tk);
  for (Index q = 0; q < plan.count(); ++q) {
    const QueryTile tile = plan.tile(q);
    REQUIRE(tile.queries.size <= plan.height());
    for (const KeyTile& keys : tile.keys) {
      REQUIRE(keys.keys.size <= plan.width());
      Matrix<double> seen = Matrix<double>::Ones(tile.queries.size, keys.keys.size);
      hide(keys, 0.0, mat(seen.data(), seen.rows(), seen.cols()));
      for (Index r = 0; r < seen.rows(); ++r)
        for (Index c = 0; c < seen.cols(); ++c) t(tile.queries[r], keys.keys[c]) += seen(r, c) > 0;
    }
  }
  return t;
}

template <class... Patterns>
BlockPlan planned(Index tq, Index tk, const Mask& mask, Index side, const Patterns&... patterns) {
  BlockPlan plan(side);
  (add_pattern(plan, patterns, tq, tk, mask), ...);
  return plan;
}

// Three random blocks a row, of eight: a fixed table will do.
auto big_bird(Index block, Index last) {
  const auto random = [](Index row, Index n) { return (row * 5 + n * 3) % 8; };
  return BigBird{block, last, Index{3}, random};
}

// Passes the tiles of a plan on and counts the pairs in them.
struct Counted {
  const BlockPlan& plan;
  Index& pairs;
  Index height() const { return plan.height(); }
  Index width() const { return plan.width(); }
  bool once() const { return plan.once(); }
  Index count() const { return plan.count(); }
  template <class S>
  QueryTile tile(Index t, Memory<S>&) const {
    const QueryTile tile = plan.tile(t);
    for (const KeyTile& keys : tile.keys) pairs += tile.queries.size * keys.keys.size;
    return tile;
  }
};

}  // namespace

TEST_CASE("sparse patterns: a window is its neighbors, plus global rows and columns") {
  const Index n = 12;
  Table expected = Table::Zero(n, n);
  for (Index p = 0; p < n; ++p)
    for (Index d = -2; d <= 1; ++d)
      if (p + d >= 0 && p + d < n) expected(p, p + d) = 1;
  CHECK(table(Window{2, 1}, n) == expected);
  expected.row(5).setOnes(), expected.col(5).setOnes(), expected.row(0).setOnes(), expected.col(0).setOnes();
  CHECK(table(Window{2, 1, {0, 5}}, n) == expected);
}

TEST_CASE(
    "sparse patterns: local and strided are the released code's, and their union is disjoint passes of "
    "merged") {
  const Index n = 14, stride = 4;
  Table local = Table::Zero(n, n), strided = Table::Zero(n, n);
  for (Index p = 0; p < n; ++p) {
    for (Index back = 0; back < stride && p - back >= 0; ++back) local(p, p - back) = 1;  // self included
    for (Index j = p; j >= 0; j -= stride) strided(p, j) = 1;
  }
  CHECK(table(Local{stride}, n) == local);
  CHECK(table(Strided{stride}, n) == strided);
  CHECK(table(Strided{stride, stride}, n) == (strided.array() * (1 - local.array())).matrix());
}

TEST_CASE("sparse patterns: fixed is the own segment and the last columns of every segment, slot by slot") {
  const Index n = 15, s = 5, c = 2;
  for (Index slot : {0, 1}) {
    Table expected = Table::Zero(n, n);
    for (Index p = 0; p < n; ++p) {
      for (Index j = p / s * s; j <= p; ++j) expected(p, j) = 1;
      for (Index segment = 0; segment < n; segment += s)
        for (Index column = 0; column < c; ++column) {
          const Index j = segment + s - 1 - slot * c - column;
          if (j <= p) expected(p, j) = 1;
        }
    }
    CHECK(table(Fixed{s, c, slot}, n) == expected);
  }
}

TEST_CASE("sparse patterns: BigBird is a union of blocks; the last block may be short") {
  const Index n = 22, block = 3, last = 7;
  Table expected = Table::Zero(n, n);
  for (Index row = 0; row <= last; ++row) {
    std::set<Index> columns = {0, last, row - 1, row, row + 1};
    for (Index k = 0; k < 3; ++k) columns.insert((row * 5 + k * 3) % 8);
    for (Index column = 0; column <= last; ++column)
      if (columns.count(column) || row == 0 || row == last)
        for (Index p = row * block; p < std::min(n, (row + 1) * block); ++p)
          for (Index j = column * block; j < std::min(n, (column + 1) * block); ++j) expected(p, j) = 1;
  }
  CHECK(table(big_bird(block, last), n) == expected);
}

TEST_CASE("sparse patterns: a plan holds every visible pair once and hides the others") {
  const auto check = [](Index tq, Index tk, const Mask& mask, auto visible, const auto&... patterns) {
    for (Index side : {1, 3, 8, 70, 1000}) {
      const BlockPlan plan = planned(tq, tk, mask, side, patterns...);
      Table expected(tq, tk);
      for (Index i = 0; i < tq; ++i)
        for (Index j = 0; j < tk; ++j) expected(i, j) = !mask.hides(i, j) && visible(i + mask.offset, j);
      CAPTURE(tq, tk, mask.causal, side);
      CHECK(expand(plan, tq, tk) == expected);
      CHECK(plan.pairs() == expected.sum());
      PairCount count;
      (add_pattern(count, patterns, tq, tk, mask), ...);
      CHECK(count.pairs() == plan.pairs());
      CHECK(plan.visited() >= plan.pairs());
    }
  };
  for (const Mask& mask : {Mask{true, 0}, Mask{false, 0}})
    for (Index n : {1, 7, 22, 75}) {
      const auto ends = [](Index p) { return p == 0 || p == 9; };
      const auto in_window = [&](Index p, Index j) {
        return (p - 5 <= j && j <= p + 2) || ends(p) || ends(j);
      };
      check(n, n, mask, in_window, Window{5, 2, {0, 9}});
      const auto bird = big_bird(3, (n - 1) / 3);
      check(n, n, mask, table(bird, n), bird);
      const Fixed fixed{4, 1, 1};
      check(n, n, mask, table(fixed, n), fixed);
      const auto merged = [](Index p, Index j) { return j <= p && (p - j < 4 || (p - j) % 4 == 0); };
      check(n, n, mask, merged, Local{4}, Strided{4, 4});
    }
  const Window window{3, 2};
  const auto visible = [](Index p, Index j) { return p - 3 <= j && j <= p + 2; };
  check(5, 11, Mask{true, 6}, visible, window);
  check(11, 5, Mask{true, -6}, visible, window);
  check(11, 5, Mask{false, 0}, visible, window);
}

TEST_CASE("sparse patterns: work is near the number of visible pairs, and the kernel does no other") {
  const Index n = 1024, d = 4;
  const Mask causal{true, 0}, none{false, 0};
  const auto bird = big_bird(32, n / 32 - 1);
  std::vector<std::pair<BlockPlan, double>> plans;  // and the most pairs visited for a visible one
  plans.emplace_back(planned(n, n, causal, 16, Window{32, 32}), 1.5);
  plans.emplace_back(planned(n, n, none, 16, Window{32, 32, {0, 1, 700}}), 1.3);
  plans.emplace_back(planned(n, n, causal, 16, Strided{32}), 1.5);
  plans.emplace_back(planned(n, n, causal, 16, Local{32}, Strided{32, 32}), 1.5);
  plans.emplace_back(planned(n, n, causal, 64, Fixed{32, 2, 0}), 1.5);
  plans.emplace_back(planned(n, n, none, 64, bird), 1.0);
  plans.emplace_back(planned(n, n, causal, 64, bird), 1.2);
  for (const auto& [plan, most] : plans) {
    CAPTURE(most, plan.pairs(), plan.visited());
    CHECK(static_cast<double>(plan.visited()) <= most * static_cast<double>(plan.pairs()));
    CHECK(plan.visited() < n * n / 3);

    Arena keep, temp;
    Memory<float> memory(keep, temp);
    Mat<float> x = memory.keep(n, d), o = memory.keep(n, d), dx = memory.keep(n, d), lse = memory.keep(1, n);
    x.setRandom(), dx.setZero();
    Index forward = 0, backward = 0;
    const SoftmaxMap<float> map{x, x, x, 1};
    softmax_forward(map, Counted{plan, forward}, o, lse, memory);
    softmax_backward<float>(map, Counted{plan, backward}, o, lse, x, dx, dx, dx, memory);
    CHECK(forward == plan.visited());
    CHECK(backward == plan.visited());
  }
}

TEST_CASE("sparse patterns: the count notices a pattern whose queries are in the wrong order") {
  // the same pairs as a strided pattern, with no groups: every tile of queries sees keys of every residue
  struct InOrder : Strided {
    Index group(Index) const { return 0; }
  };
  const Strided strided{32};
  const BlockPlan plan = planned(1024, 1024, {true, 0}, 16, InOrder{strided});
  CHECK(plan.pairs() == planned(1024, 1024, {true, 0}, 16, strided).pairs());
  CHECK(plan.visited() > 10 * plan.pairs());
}

TEST_CASE("sparse patterns: runs of hidden keys end at words and at the row's end") {
  Matrix<double> s = Matrix<double>::Ones(2, 130);
  const std::uint64_t bits[] = {~0ull >> 1, ~0ull << 1, 1, 0, 0, 2};
  KeyTile tile{{nullptr, 0, 130}, false, 0, bits};
  hide(tile, 0.0, mat(s.data(), 2, 130));
  CHECK(s(0, 62) == 1);
  CHECK(s(0, 63) == 0);
  CHECK(s(0, 64) == 0);
  CHECK(s(0, 65) == 1);
  CHECK(s(0, 128) == 1);
  CHECK(s(0, 129) == 0);
  CHECK(s.row(1).sum() == 1);
  CHECK(s(1, 129) == 1);
}
