#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include "core/head_kernel.h"
#include "core/step.h"
#include "variants/parts/tiles.h"

namespace heed {

// The blocks of keys that each query chose, as tiles: those queries that chose a block, and its keys. So no
// pair is visited that no query chose, however differently neighbors choose. A query is in as many tiles as
// it chose blocks. Requires: a causal mask, and each query chose its own block, the one of its position.
class BlockGroups {
 public:
  // chosen (Tq,k): each row's blocks of `block` keys in ascending order, then -1. The tables are temp memory.
  // A block longer than all keys is as one that holds them all.
  template <class S>
  BlockGroups(std::span<const std::int32_t> chosen, Index k, Index tk, Index side, const Mask& mask,
              Index block, Memory<S>& memory)
      : tk_(tk), offset_(mask.offset), block_(std::min(block, tk + 1)), side_(std::max<Index>(side, 1)) {
    const Index tq = std::ssize(chosen) / k, blocks = (tk + block_ - 1) / block_;
    const auto first = memory.template temp_span<std::int32_t>(blocks + 1);  // of a block's queries
    std::fill(first.begin(), first.end(), 0);
    const auto each = [&](auto&& f) {
      for (Index i = 0; i < tq; ++i)
        for (const std::int32_t b : chosen.subspan(i * k, k)) {
          if (b < 0) break;
          if (b != (i + offset_) / block_) f(static_cast<std::int32_t>(i), b);
        }
    };
    each([&](std::int32_t, std::int32_t b) { ++first[b + 1]; });
    for (Index b = 0; b < blocks; ++b) first[b + 1] += first[b];
    // The size of the tables does not depend on what was chosen, so every step needs the same memory.
    const auto queries = memory.template temp_span<std::int32_t>(tq * k);
    const auto next = memory.template temp_span<std::int32_t>(blocks);
    std::copy_n(first.begin(), blocks, next.begin());
    each([&](std::int32_t i, std::int32_t b) { queries[next[b]++] = i; });

    const auto groups = memory.template temp_span<Group>(blocks * (tiles_of(block_) + 1) + tiles_of(tq * k));
    for (Index b = 0; b < blocks; ++b) {
      const Index own = std::clamp<Index>(b * block_ - offset_, 0, tq),
                  end = std::clamp<Index>((b + 1) * block_ - offset_, 0, tq);
      for (Index i = own; i < end; i += side_)
        std::construct_at(&groups[count_++], Group{b, {nullptr, i, std::min(side_, end - i)}});
      for (Index i = first[b]; i < first[b + 1]; i += side_)
        std::construct_at(&groups[count_++],
                          Group{b, {queries.data() + i, 0, std::min<Index>(side_, first[b + 1] - i)}});
    }
    groups_ = groups.first(static_cast<std::size_t>(count_));
  }

  Index height() const { return side_; }
  Index width() const { return std::min(side_, block_); }
  bool once() const { return false; }
  Index count() const { return count_; }

  template <class S>
  QueryTile tile(Index t, Memory<S>& memory) const {
    const Group& group = groups_[static_cast<std::size_t>(t)];
    const bool own = !group.queries.at;
    const Index from = group.block * block_;
    // The first query of an own block sees so many of its keys; the last one sees the most.
    const Index seen = own ? group.queries.first + offset_ + 1 - from : block_;
    const Index all = std::min(own ? seen + group.queries.size - 1 : block_, tk_ - from);
    const auto keys = memory.template temp_span<KeyTile>((all + width() - 1) / width());
    Index at = 0;
    for (KeyTile& key : keys) {
      const Index size = std::min(width(), all - at);
      std::construct_at(&key, KeyTile{{nullptr, from + at, size}, seen - at >= size, seen - at, nullptr});
      at += size;
    }
    return {group.queries, keys};
  }

 private:
  struct Group {
    Index block;
    Rows queries;  // without a list: the block's own
  };

  Index tiles_of(Index queries) const { return (queries + side_ - 1) / side_; }

  Index tk_, offset_, block_, side_, count_ = 0;
  std::span<const Group> groups_;
};

}  // namespace heed
