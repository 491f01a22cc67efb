#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>

#include "core/head_kernel.h"
#include "core/step.h"
#include "core/views.h"

namespace heed {

// Some rows of a sequence: at[0], at[1], ... or, without a list, first, first + 1, ...
struct Rows {
  const std::int32_t* at = nullptr;
  Index first = 0;
  Index size = 0;
  Index operator[](Index r) const { return at ? at[r] : first + r; }
};

// The keys of one tile, and which of them each query sees: all (full), those of a bit mask, or, without
// bits, the first `edge + r` for query r (the diagonal of a causal mask).
struct KeyTile {
  Rows keys;
  bool full = true;
  Index edge = 0;
  const std::uint64_t* bits = nullptr;  // words_of(keys.size) words for each query
};

inline Index words_of(Index bits) { return (bits + 63) / 64; }

// Some queries and all keys that at least one of them sees. A query may be in several tiles, but never with
// the same key twice. A query that sees no key need not be in a tile.
struct QueryTile {
  Rows queries;
  std::span<const KeyTile> keys;
};

// The (query, key) pairs to visit, tile by tile; other pairs are skipped. A tile's spans are valid as long
// as the tiles and the memory that was passed in.
template <class T, class S>
concept Tiles = requires(const T& tiles, Index t, Memory<S>& memory) {
  { tiles.height() } -> std::convertible_to<Index>;  // no tile has more queries
  { tiles.width() } -> std::convertible_to<Index>;   // no tile has more keys
  { tiles.count() } -> std::convertible_to<Index>;   // query tiles
  { tiles.once() } -> std::same_as<bool>;            // true if each query is in exactly one tile
  { tiles.tile(t, memory) } -> std::same_as<QueryTile>;
};

// Sets hidden pairs of a tile s (queries, keys) of scores or weights.
template <class S>
void hide(const KeyTile& tile, S value, Mat<S> s) {
  if (tile.full) return;
  for (Index r = 0; r < s.rows(); ++r) {
    S* const row = s.data() + r * s.outerStride();
    if (!tile.bits) {
      std::fill(row + std::clamp<Index>(tile.edge + r, 0, s.cols()), row + s.cols(), value);
      continue;
    }
    // Hidden keys come in runs (a band's two sides, whole blocks), so they are filled run by run.
    const Index words = words_of(s.cols());
    for (Index w = 0; w < words; ++w) {
      const Index size = std::min<Index>(64, s.cols() - 64 * w);
      const std::uint64_t used = size == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1;
      std::uint64_t hidden = ~tile.bits[r * words + w] & used;
      while (hidden) {
        const int from = std::countr_zero(hidden), run = std::countr_one(hidden >> from);
        std::fill_n(row + 64 * w + from, run, value);
        if (from + run == 64) break;
        hidden &= ~std::uint64_t{0} << (from + run);
      }
    }
  }
}

// Every key, or with a causal mask every key that is not in the future. Needs no table.
class DenseTiles {
 public:
  DenseTiles(Index tq, Index tk, const Mask& mask, Index side)
      : tq_(tq), tk_(tk), mask_(mask), side_(std::clamp<Index>(side, 1, std::max<Index>({tq, tk, 1}))) {}

  Index height() const { return side_; }
  Index width() const { return side_; }
  bool once() const { return true; }
  Index count() const { return (tq_ + side_ - 1) / side_; }

  template <class S>
  QueryTile tile(Index t, Memory<S>& memory) const {
    const Rows queries{nullptr, t * side_, std::min(side_, tq_ - t * side_)};
    const Index past = queries.first + mask_.offset + 1;  // keys that the tile's first query sees
    const Index seen = mask_.causal ? std::clamp<Index>(past + queries.size - 1, 0, tk_) : tk_;
    const std::span<KeyTile> keys = memory.template temp_span<KeyTile>((seen + side_ - 1) / side_);
    Index first = 0;
    for (KeyTile& key : keys) {
      const Index size = std::min(side_, seen - first);
      std::construct_at(&key, KeyTile{Rows{nullptr, first, size}, !mask_.causal || past - first >= size,
                                      past - first, nullptr});
      first += size;
    }
    return {queries, keys};
  }

 private:
  Index tq_, tk_;
  Mask mask_;
  Index side_;
};

}  // namespace heed
