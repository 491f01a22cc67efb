#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/step.h"
#include "variants/parts/chosen_tiles.h"
#include "variants/parts/tiled_softmax.h"

namespace heed {

// Returns the k keys with the largest scores of each query i among the first seen(i) keys, for ChosenTiles:
// (Tq,k) in keep memory. Ties go to the lower key. Every such score is made, one tile of queries at a time.
// Requires: seen does not decrease.
template <class S, class Seen>
std::span<const std::int32_t> best_keys(const SoftmaxMap<S>& in, Index k, Index tile, Seen&& seen,
                                        Memory<S>& memory) {
  const Index tq = in.q.rows(), tk = in.k.rows(), d = in.q.cols();
  const Index side = std::clamp<Index>(tile, 1, std::max<Index>({tq, tk, 1}));
  const std::span<std::int32_t> chosen = memory.template keep_span<std::int32_t>(tq * k);
  typename Memory<S>::Scope scope(memory);
  const Mat<S> q_room = tile_room(memory, side, d), s_room = tile_room(memory, side, side);
  const Mat<S> scores = tile_room(memory, side, tk);
  TurnedRows<S> keys(in.k, side, memory);
  for (Index first = 0; first < tq; first += side) {
    const Rows queries{nullptr, first, std::min(side, tq - first)};
    const Index n = queries.size, most = seen(first + n - 1);
    const Mat<S> q = part(q_room, n, d);
    detail::load_queries(in, queries, q);
    for (Index at = 0; at < most; at += side) {
      const KeyTile key_tile{Rows{nullptr, at, std::min(side, most - at)}};
      const Mat<S> s = part(s_room, n, key_tile.keys.size);
      keys.choose(key_tile.keys);
      detail::tile_scores(in, queries, key_tile, q, keys, s);
      part(scores, n, tk).middleCols(at, key_tile.keys.size) = s;
    }
    for (Index r = 0; r < n; ++r)
      keep_best(row(scores, r), seen(first + r), chosen.subspan((first + r) * k, k));
  }
  return chosen;
}

}  // namespace heed
