#pragma once

#include <algorithm>
#include <memory>
#include <span>

#include "core/head_kernel.h"
#include "core/step.h"
#include "variants/parts/tiles.h"

namespace heed {

// Causal pairs within segments: the query at position p sees the keys floor(p / S) S .. p. Needs no table.
// Requires: each query has a key at its own position.
class SegmentTiles {
 public:
  SegmentTiles(Index tq, const Mask& mask, Index segment, Index side)
      : begin_(mask.offset),
        end_(mask.offset + tq),
        segment_(std::clamp<Index>(segment, 1, std::max<Index>(end_, 1))),
        side_(std::clamp<Index>(side, 1, std::max<Index>(std::min(segment_, tq), 1))),
        per_segment_((segment_ + side_ - 1) / side_) {}

  Index height() const { return side_; }
  Index width() const { return side_; }
  bool once() const { return true; }
  Index count() const {
    return end_ > begin_ ? ((end_ - 1) / segment_ - begin_ / segment_ + 1) * per_segment_ : 0;
  }

  template <class S>
  QueryTile tile(Index t, Memory<S>& memory) const {
    const Index start = (begin_ / segment_ + t / per_segment_) * segment_;
    const Index first = start + t % per_segment_ * side_;
    const Index from = std::max(first, begin_);
    const Index to = std::max(from, std::min({first + side_, start + segment_, end_}));
    const Index past = from + 1 - start, seen = to > from ? to - start : 0;  // of the first and last query
    const std::span<KeyTile> keys = memory.template temp_span<KeyTile>((seen + side_ - 1) / side_);
    Index at = 0;
    for (KeyTile& key : keys) {
      const Index size = std::min(side_, seen - at);
      std::construct_at(&key,
                        KeyTile{Rows{nullptr, start + at, size}, past - at >= size, past - at, nullptr});
      at += size;
    }
    return {Rows{nullptr, from - begin_, to - from}, keys};
  }

 private:
  Index begin_, end_;  // positions of the queries
  Index segment_, side_, per_segment_;
};

}  // namespace heed
