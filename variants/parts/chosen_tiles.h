#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

#include "core/head_kernel.h"
#include "core/step.h"
#include "variants/parts/packed_tile.h"
#include "variants/parts/tiles.h"

namespace heed {

// Returns how many keys a mask shows to query i: the first ones.
inline Index seen_by(Index i, Index tk, const Mask& mask) {
  return mask.causal ? std::clamp<Index>(i + mask.offset + 1, 0, tk) : tk;
}

// The keys that each query chose, as tiles of one query. A tile of several would visit the keys that one of
// them chose, so a key's place in a row, and with it rounding, would depend on later queries.
class ChosenTiles {
 public:
  // chosen (Tq,k): each row's keys in ascending order, then -1
  ChosenTiles(std::span<const std::int32_t> chosen, Index k, Index side)
      : chosen_(chosen),
        k_(k),
        tq_(k ? std::ssize(chosen) / k : 0),
        side_(std::clamp<Index>(side, 1, std::max<Index>(k, 1))) {}

  Index height() const { return 1; }
  Index width() const { return side_; }
  bool once() const { return tq_ > 0; }
  Index count() const { return tq_; }

  template <class S>
  QueryTile tile(Index t, Memory<S>& memory) const {
    const auto all = chosen_.subspan(t * k_, k_);
    const Index n = std::ranges::find(all, -1) - all.begin();
    const auto tiles = memory.template temp_span<KeyTile>((n + side_ - 1) / side_);
    for (Index u = 0; u < std::ssize(tiles); ++u)
      std::construct_at(&tiles[u], KeyTile{{all.data() + u * side_, 0, std::min(side_, n - u * side_)}});
    return {Rows{nullptr, t, 1}, tiles};
  }

 private:
  std::span<const std::int32_t> chosen_;
  Index k_, tq_, side_;
};

// chosen = the best of the first `seen` scores, ties to the lower, ascending, then -1; returns how many
template <class S>
Index keep_best(TileRow<S> score, Index seen, std::span<std::int32_t> chosen) {
  if (chosen.empty()) return 0;
  // A score that is not a number comes first, so it shows in the output, and there is an order.
  for (S& s : std::span(score.data(), static_cast<std::size_t>(seen)))
    s = std::isnan(s) ? std::numeric_limits<S>::infinity() : s;
  const auto better = [&](std::int32_t a, std::int32_t b) {
    return score(a) != score(b) ? score(a) > score(b) : a < b;
  };
  // A heap with the worst of the chosen in front; a later key must be truly better to get in.
  auto end = chosen.begin();
  for (std::int32_t j = 0; j < seen; ++j) {
    if (end != chosen.end()) {
      *end++ = j;
      std::push_heap(chosen.begin(), end, better);
    } else if (score(j) > score(chosen.front())) {
      std::pop_heap(chosen.begin(), end, better);
      chosen.back() = j;
      std::push_heap(chosen.begin(), end, better);
    }
  }
  std::sort(chosen.begin(), end);
  std::fill(end, chosen.end(), -1);
  return end - chosen.begin();
}

}  // namespace heed
