#pragma once

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/head_kernel.h"
#include "core/views.h"
#include "variants/parts/block_plan.h"
#include "variants/parts/tiled_softmax.h"

namespace heed {

// A pattern is one predicate: visible(p, j), does a query at position p see the key at j? Under a causal mask
// the future is hidden besides. group(p) names queries that see much the same keys (see BlockPlan::add); it
// changes speed, never the result. Where two groupings are needed, a pattern is a union of disjoint passes.

// Adds a pattern to a plan.
template <class Pattern>
void add_pattern(BlockPlan& plan, const Pattern& pattern, Index tq, Index tk, const Mask& mask) {
  const Index shift = shift_of(mask);
  plan.add(
      tq, tk, [&](Index i, Index j) { return !mask.hides(i, j) && pattern.visible(i + shift, j); },
      [&](Index i) { return pattern.group(i + shift); });
}

// Longformer: the keys from p - left to p + right, and rows and columns of global positions.
struct Window {
  Index left = 0, right = 0;
  std::vector<Index> global = {};
  bool is_global(Index p) const { return std::find(global.begin(), global.end(), p) != global.end(); }
  bool visible(Index p, Index j) const {
    return (p - left <= j && j <= p + right) || is_global(p) || is_global(j);
  }
  Index group(Index p) const { return is_global(p) ? 0 : 1; }  // global rows see everything
};

// Sparse Transformer, local factor: the last `width` keys, the query's own among them.
struct Local {
  Index width = 1;
  bool visible(Index p, Index j) const { return 0 <= p - j && p - j < width; }
  Index group(Index) const { return 0; }
};

// Sparse Transformer, strided factor: every stride-th key back from the query's own, from `nearest` on.
struct Strided {
  Index stride = 1, nearest = 0;
  bool visible(Index p, Index j) const { return p - j >= nearest && (p - j) % stride == 0; }
  Index group(Index p) const { return p % stride; }  // queries of a residue see keys of that residue
};

// Sparse Transformer, fixed: the query's own segment of s keys, and in each segment the c summary columns of
// a slot, counted from the segment's end.
struct Fixed {
  Index segment = 1, summary = 1, slot = 0;
  bool visible(Index p, Index j) const {
    const Index column = j % segment;
    return j <= p && (p / segment == j / segment ||
                      (segment - summary * (slot + 1) <= column && column < segment - summary * slot));
  }
  Index group(Index p) const { return p / segment; }
};

// BigBird, in blocks of positions: the neighbours, the first and the last block (rows and columns), and the
// random blocks of each row. random(I, n): the n-th random block of block row I.
template <class Random>
struct BigBird {
  Index block = 1, last = 0, randoms = 0;  // last: the index of the last block
  Random random;
  bool visible(Index p, Index j) const {
    const Index row = p / block, column = j / block;
    if (std::abs(row - column) <= 1 || row == 0 || row == last || column == 0 || column == last) return true;
    for (Index n = 0; n < randoms; ++n)
      if (random(row, n) == column) return true;
    return false;
  }
  Index group(Index p) const { return p / block; }
};
template <class Random>  // Clang 14 does not find it by itself
BigBird(Index, Index, Index, Random)->BigBird<Random>;

}  // namespace heed
