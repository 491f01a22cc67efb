#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include "core/head_kernel.h"
#include "core/step.h"
#include "variants/parts/tiles.h"

namespace heed {

// A sliding window: query i, at position p = i + mask.offset among the keys, sees the keys p - left .. p +
// right, or .. p with a causal mask. Needs no table, so queries and keys may be any pieces of a sequence.
class BandTiles {
 public:
  BandTiles(Index tq, Index tk, const Mask& mask, Index left, Index right, Index side)
      : tq_(tq),
        tk_(tk),
        shift_(mask.offset),
        left_(left),
        right_(mask.causal ? 0 : right),
        side_(std::clamp<Index>(side, 1, std::max<Index>({tq, tk, 1}))) {}

  Index height() const { return side_; }
  Index width() const { return side_; }
  bool once() const { return true; }
  Index count() const { return (tq_ + side_ - 1) / side_; }

  template <class S>
  QueryTile tile(Index t, Memory<S>& memory) const {
    const Rows queries{nullptr, t * side_, std::min(side_, tq_ - t * side_)};
    const Index first = queries.first + shift_, last = first + queries.size - 1;  // their positions
    const Index from = std::clamp<Index>(first - left_, 0, tk_);
    const Index to = std::clamp<Index>(last + right_ + 1, from, tk_);
    const std::span<KeyTile> keys = memory.template temp_span<KeyTile>((to - from + side_ - 1) / side_);
    Index at = from;
    for (KeyTile& key : keys) {
      const Rows rows{nullptr, at, std::min(side_, to - at)};
      const bool full = at >= last - left_ && at + rows.size - 1 <= first + right_;
      std::construct_at(&key, KeyTile{rows, full, 0, full ? nullptr : visible(queries, rows, memory)});
      at += rows.size;
    }
    return {queries, keys};
  }

 private:
  template <class S>
  const std::uint64_t* visible(const Rows& queries, const Rows& keys, Memory<S>& memory) const {
    const Index words = words_of(keys.size);
    const std::span<std::uint64_t> bits = memory.template temp_span<std::uint64_t>(queries.size * words);
    std::ranges::fill(bits, 0);
    for (Index r = 0; r < queries.size; ++r) {
      const Index p = queries[r] + shift_;
      const Index from = std::clamp<Index>(p - left_ - keys.first, 0, keys.size);
      const Index to = std::clamp<Index>(p + right_ + 1 - keys.first, from, keys.size);
      for (Index c = from; c < to; ++c)
        bits[static_cast<std::size_t>(r * words + c / 64)] |= std::uint64_t{1} << (c % 64);
    }
    return bits.data();
  }

  Index tq_, tk_, shift_, left_, right_, side_;
};

}  // namespace heed
