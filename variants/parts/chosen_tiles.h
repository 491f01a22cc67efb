#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
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

// The keys that each query chose, as tiles: a tile of queries visits the keys that one of them chose. Made
// during the pass, from lists of keys; never a table of (Tq,Tk). For blocks of keys: block_groups.h.
class ChosenTiles {
 public:
  // chosen (Tq,k): each row's keys in ascending order, then -1
  ChosenTiles(std::span<const std::int32_t> chosen, Index k, Index tk, Index side)
      : chosen_(chosen),
        k_(k),
        tk_(tk),
        tq_(k ? std::ssize(chosen) / k : 0),
        side_(std::clamp<Index>(side, 1, std::max<Index>({tq_, tk, 1}))) {}

  Index height() const { return side_; }
  Index width() const { return side_; }
  bool once() const { return tq_ > 0; }
  Index count() const { return (tq_ + side_ - 1) / side_; }

  template <class S>
  QueryTile tile(Index t, Memory<S>& memory) const {
    const Rows queries{nullptr, t * side_, std::min(side_, tq_ - t * side_)};
    const auto at =
        memory.template temp_span<std::int32_t>(tk_);  // of a key among the tile's keys; -1: not there
    const auto keys = memory.template temp_span<std::int32_t>(tk_);
    std::fill(at.begin(), at.end(), -1);
    for (Index r = 0; r < queries.size; ++r) each(queries[r], [&](std::int32_t j) { at[j] = 0; });
    Index n = 0;
    for (std::int32_t j = 0; j < tk_; ++j)
      if (at[j] == 0) at[j] = static_cast<std::int32_t>(n), keys[n++] = j;

    const auto tiles = memory.template temp_span<KeyTile>((n + side_ - 1) / side_);
    const Index words = words_of(side_), tile_bits = queries.size * words;
    const auto bits = memory.template temp_span<std::uint64_t>(std::ssize(tiles) * tile_bits);
    std::fill(bits.begin(), bits.end(), 0);
    for (Index r = 0; r < queries.size; ++r)
      each(queries[r], [&](std::int32_t j) {
        const Index u = at[j] / side_, c = at[j] % side_, size = std::min(side_, n - u * side_);
        bits[u * tile_bits + r * words_of(size) + c / 64] |= std::uint64_t{1} << c % 64;
      });
    for (Index u = 0; u < std::ssize(tiles); ++u) {
      const Index size = std::min(side_, n - u * side_);
      const auto own = bits.subspan(u * tile_bits, tile_bits);
      const Index seen = std::accumulate(own.begin(), own.end(), Index{0},
                                         [](Index sum, std::uint64_t w) { return sum + std::popcount(w); });
      std::construct_at(
          &tiles[u], KeyTile{{keys.data() + u * side_, 0, size}, seen == queries.size * size, 0, own.data()});
    }
    return {queries, tiles};
  }

 private:
  template <class F>
  void each(Index i, F&& f) const {
    for (const std::int32_t j : chosen_.subspan(i * k_, k_)) {
      if (j < 0) return;
      f(j);
    }
  }

  std::span<const std::int32_t> chosen_;
  Index k_, tk_, tq_, side_;
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
