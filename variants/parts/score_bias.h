#pragma once

#include "core/views.h"
#include "variants/parts/tiles.h"

namespace heed {

// What is added to the scores of one head, as tables without gradient; null: nothing.
//     s_ij += of_distance[p - j] + of_key[j] + of_pair[i Tk + j]      p: the query's position
template <class S>
struct ScoreBias {
  const S* of_distance = nullptr;  // at distance 0; there are entries on both sides where pairs have them
  const S* of_key = nullptr;
  const S* of_pair = nullptr;
  Index keys = 0;  // Tk
  explicit operator bool() const { return of_distance || of_key || of_pair; }
};

// Adds the bias to a tile of scores; query i is at position i + shift.
template <class S>
void add_bias(const ScoreBias<S>& bias, const Rows& queries, Index shift, const Rows& keys, Mat<S> s) {
  for (Index r = 0; r < s.rows(); ++r) {
    const Index p = queries[r] + shift;
    const S* const of_pair = bias.of_pair ? bias.of_pair + queries[r] * bias.keys : nullptr;
    if (bias.of_distance)
      for (Index c = 0; c < s.cols(); ++c) s(r, c) += bias.of_distance[p - keys[c]];
    if (bias.of_key)
      for (Index c = 0; c < s.cols(); ++c) s(r, c) += bias.of_key[keys[c]];
    if (of_pair)
      for (Index c = 0; c < s.cols(); ++c) s(r, c) += of_pair[keys[c]];
  }
}

}  // namespace heed
