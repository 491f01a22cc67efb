#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/step.h"
#include "core/views.h"
#include "variants/parts/packed_tile.h"
#include "variants/parts/tiled_softmax.h"

namespace heed {

// What a softmax map has summed over some of its keys: o normalized over those, and the log of their sum of
// exponentials. Sums over disjoint keys can be merged in any order. docs/context-parallelism.md.
template <class S>
struct SoftmaxSums {
  Mat<S> o, lse;  // (Tq,V) (1,Tq)
  SoftmaxSums rows(Index first, Index n) const {
    return {row_block(o, first, n), column_block(lse, first, n)};
  }
};

// Returns the sums over no keys, in kept memory; o is a tile. A sink is a key without a value.
template <class S>
SoftmaxSums<S> empty_sums(Index rows, Index width, S sink, Memory<S>& memory) {
  SoftmaxSums<S> sums{kept_room(memory, rows, width), memory.keep(1, rows)};
  sums.o.setZero();
  sums.lse.setConstant(sink);
  return sums;
}

// With m = max(lse, lse'):    w = exp(lse - m)    w' = exp(lse' - m)
//     lse = m + log(w + w')    o = (w o + w' o') / (w + w')
// Sums over no keys (lse = -inf) change nothing; (-inf) - (-inf) would be NaN.
template <class S>
void merge_sums(const SoftmaxSums<S>& other, SoftmaxSums<S> sums) {
  for (Index i = 0; i < sums.o.rows(); ++i) {
    const S a = sums.lse(0, i), b = other.lse(0, i);
    if (b == -std::numeric_limits<S>::infinity()) continue;
    const S m = std::max(a, b), w_a = std::exp(a - m), w_b = std::exp(b - m), sum = w_a + w_b;
    sums.o.row(i) = (w_a / sum) * sums.o.row(i) + (w_b / sum) * other.o.row(i);
    sums.lse(0, i) = m + std::log(sum);
  }
}

// Merges the keys of one block into the sums of its queries.
template <class S, class T>
requires Tiles<T, S>
void add_block(SoftmaxMap<S> block, const T& tiles, SoftmaxSums<S> sums, Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  block.sink = -std::numeric_limits<S>::infinity();  // the sums began with it
  const SoftmaxSums<S> own{memory.temp(sums.o.rows(), sums.o.cols()), memory.temp(1, sums.o.rows())};
  softmax_forward(block, tiles, own.o, own.lse, memory);
  merge_sums(own, sums);
}

}  // namespace heed
