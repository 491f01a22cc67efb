#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "core/head_kernel.h"
#include "core/views.h"
#include "variants/parts/block_plan.h"
#include "variants/parts/tiled_softmax.h"

namespace heed {

// A pattern defines which keys a query at position p sees: keys(p, see) calls see(range) for disjoint
// ranges, which may extend beyond the sequence. A causal mask also hides the future. group(p) is equal for
// queries that see similar keys (see BlockPlan::add); it changes speed, not the result. A pattern that
// needs two groupings is a union of disjoint passes.

constexpr Stretch kAllKeys{0, std::numeric_limits<Index>::max()};

// Calls see with the keys of 0 .. n-1 that the query at p sees.
template <class Pattern, class See>
void keys_below(Index n, const Pattern& pattern, Index p, See&& see) {
  pattern.keys(p, [&](Stretch keys) {
    keys.first = std::max<Index>(keys.first, 0);  // ranges with a step begin at 0 or later
    keys.end = std::min(keys.end, n);
    if (keys.first < keys.end) see(keys);
  });
}

// Adds a pattern to a plan, or to a count.
template <class Plan, class Pattern>
void add_pattern(Plan& plan, const Pattern& pattern, Index tq, Index tk, const Mask& mask) {
  const Index shift = mask.offset;
  plan.add(
      tq, tk,
      [&](Index i, auto&& see) {
        const Index p = i + shift;
        keys_below(mask.causal ? std::min(tk, p + 1) : tk, pattern, p, see);
      },
      [&](Index i) { return pattern.group(i + shift); });
}

// Longformer: the keys from p - left to p + right, and rows and columns of global positions.
// Requires: no position is global twice.
struct Window {
  Index left = 0, right = 0;
  std::vector<Index> global = {};
  bool is_global(Index p) const { return std::find(global.begin(), global.end(), p) != global.end(); }
  void keys(Index p, auto&& see) const {
    if (is_global(p)) return see(kAllKeys);
    see(Stretch{p - left, p + right + 1});
    for (Index j : global)
      if (j < p - left || p + right < j) see(Stretch{j, j + 1});
  }
  Index group(Index p) const { return is_global(p) ? 0 : 1; }  // global rows see everything
};

// Sparse Transformer, local factor: the last `width` keys, the query's own among them.
struct Local {
  Index width = 1;
  void keys(Index p, auto&& see) const { see(Stretch{p - width + 1, p + 1}); }
  Index group(Index) const { return 0; }
};

// Sparse Transformer, strided factor: every stride-th key back from the query's own, from `nearest` on.
struct Strided {
  Index stride = 1, nearest = 0;
  void keys(Index p, auto&& see) const { see(Stretch{p % stride, p - nearest + 1, stride}); }
  Index group(Index p) const { return p % stride; }  // queries of a residue see keys of that residue
};

// Sparse Transformer, fixed: the query's own segment of s keys, and in each segment before it the c summary
// columns of a slot, counted from the segment's end.
struct Fixed {
  Index segment = 1, summary = 1, slot = 0;
  void keys(Index p, auto&& see) const {
    const Index own = p / segment * segment, column = segment - summary * (slot + 1);
    for (Index c = column; c < column + summary; ++c) see(Stretch{c, own, segment});
    see(Stretch{own, p + 1});
  }
  Index group(Index p) const { return p / segment; }
};

// BigBird, in blocks of positions: the neighbors, the first and the last block (rows and columns), and the
// random blocks of each row. random(I, n): the n-th random block of block row I.
template <class Random>
struct BigBird {
  Index block = 1, last = 0, randoms = 0;  // last: the index of the last block
  Random random;
  void keys(Index p, auto&& see) const {
    const Index row = p / block;
    if (row == 0 || row == last) return see(kAllKeys);
    std::vector<Index> columns = {0, row - 1, row, row + 1, last};
    for (Index n = 0; n < randoms; ++n) columns.push_back(random(row, n));
    std::sort(columns.begin(), columns.end());
    columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
    for (Index column : columns) see(Stretch{column * block, (column + 1) * block});
  }
  Index group(Index p) const { return p / block; }
};
template <class Random>  // Clang 14 does not find it by itself
BigBird(Index, Index, Index, Random)->BigBird<Random>;

}  // namespace heed
