#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include "core/head_kernel.h"
#include "core/step.h"
#include "variants/parts/tiles.h"

namespace heed {

inline Index complete_blocks(Index keys, Index block) { return keys / block; }

// Pairs of a query and a complete block of keys, whose last key the causal query sees. Needs no table.
class CompleteBlockTiles {
 public:
  CompleteBlockTiles(Index tq, Index tk, const Mask& mask, Index block, Index side)
      : tq_(tq),
        blocks_(complete_blocks(tk, block)),
        offset_(mask.offset),
        block_(block),
        side_(std::clamp<Index>(side, 1, std::max<Index>({tq, blocks_, 1}))) {}

  Index height() const { return side_; }
  Index width() const { return side_; }
  bool once() const { return true; }
  Index count() const { return (tq_ + side_ - 1) / side_; }

  template <class S>
  QueryTile tile(Index t, Memory<S>& memory) const {
    const Rows queries{nullptr, t * side_, std::min(side_, tq_ - t * side_)};
    const Index least = seen(queries.first), most = seen(queries.first + queries.size - 1);
    const std::span<KeyTile> tiles = memory.template temp_span<KeyTile>((most + side_ - 1) / side_);
    Index first = 0;
    for (KeyTile& tile : tiles) {
      const Index size = std::min(side_, most - first), words = words_of(size);
      const std::span<std::uint64_t> bits = memory.template temp_span<std::uint64_t>(queries.size * words);
      std::fill(bits.begin(), bits.end(), 0);
      for (Index r = 0; r < queries.size; ++r)
        for (Index c = 0; c < std::min(size, seen(queries[r]) - first); ++c)
          bits[static_cast<std::size_t>(r * words + c / 64)] |= std::uint64_t{1} << c % 64;
      std::construct_at(&tile, KeyTile{{nullptr, first, size}, least - first >= size, 0, bits.data()});
      first += size;
    }
    return {queries, tiles};
  }

 private:
  Index seen(Index i) const { return std::clamp<Index>((i + offset_ + 1) / block_, 0, blocks_); }

  Index tq_, blocks_, offset_, block_, side_;
};

}  // namespace heed
