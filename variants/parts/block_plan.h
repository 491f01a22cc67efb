#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <utility>
#include <vector>

#include "core/step.h"
#include "core/views.h"
#include "variants/parts/tiles.h"

namespace heed {

// The tiles of a visibility pattern that does not depend on the data: made once for each pair of lengths,
// read by all threads. A tile of queries lists the keys that at least one of them sees, wherever they stand,
// and visits no other. What is left to masks is small when queries that see the same keys stand together;
// that is what groups are for. Takes memory for the keys listed, and a bit for each pair of a tile that is
// not full.
class BlockPlan {
 public:
  explicit BlockPlan(Index side) : side_(side) {}
  BlockPlan(BlockPlan&&) = default;  // tiles point into the plan: it moves, but has no copies
  BlockPlan& operator=(BlockPlan&&) = default;

  // Adds a pass: all visible(i, j) of tq queries and tk keys. Queries are sorted by group(i), and no tile
  // holds two groups. Several passes make a union; REQUIRES: no pair is visible in two.
  template <class Visible, class Group>
  void add(Index tq, Index tk, Visible&& visible, Group&& group);

  // Of Tiles, see tiles.h.
  Index side() const { return largest_; }
  Index count() const { return static_cast<Index>(tiles_.size()); }
  template <class S>
  QueryTile tile(Index t, Memory<S>&) const {
    return tile(t);
  }
  QueryTile tile(Index t) const {
    const Tile& tile = tiles_[static_cast<std::size_t>(t)];
    return {Rows{tile.queries.data(), 0, std::ssize(tile.queries)}, tile.key_tiles};
  }

  Index pairs() const { return pairs_; }      // visible ones
  Index visited() const { return visited_; }  // all that stand in a tile

 private:
  struct Tile {
    std::vector<std::int32_t> queries, keys;
    std::vector<std::uint64_t> bits;
    std::vector<KeyTile> key_tiles;
  };
  std::vector<Rows> neighbours(const std::vector<std::int32_t>& every, const std::vector<std::int32_t>& some,
                               Index tk) const;
  template <class Visible>
  void add_tile(std::vector<std::int32_t> queries, Index tk, Visible&& visible);

  Index side_, largest_ = 1, pairs_ = 0, visited_ = 0;
  std::vector<Tile> tiles_;
};

template <class Visible, class Group>
void BlockPlan::add(Index tq, Index tk, Visible&& visible, Group&& group) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(tq));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return group(a) < group(b); });
  for (auto from = order.begin(); from != order.end();) {
    auto to = from;
    while (to != order.end() && to - from < side_ && group(*to) == group(*from)) ++to;
    add_tile({from, to}, tk, visible);
    from = to;
  }
}

// Stretches of keys that hold all of both lists, none across a multiple of the side, each from one multiple
// of kNear to another, so that rows of scores are whole packets. None where most of their keys would be there
// for nothing.
inline std::vector<Rows> BlockPlan::neighbours(const std::vector<std::int32_t>& every,
                                               const std::vector<std::int32_t>& some, Index tk) const {
  constexpr Index kNear = 16;
  std::vector<std::int32_t> all;
  std::merge(every.begin(), every.end(), some.begin(), some.end(), std::back_inserter(all));
  std::vector<Rows> out;
  Index visited = 0;
  for (auto from = all.begin(); from != all.end();) {
    const Index end = (*from / side_ + 1) * side_;
    const auto to = std::lower_bound(from, all.end(), end);
    const Index first = std::max(*from / kNear * kNear, end - side_);
    const Index last = std::min({(*(to - 1) / kNear + 1) * kNear, end, tk});
    out.push_back({nullptr, first, last - first});
    visited += last - first;
    from = to;
  }
  if (2 * std::ssize(all) < visited || every.size() > some.size()) out.clear();
  return out;
}

template <class Visible>
void BlockPlan::add_tile(std::vector<std::int32_t> queries, Index tk, Visible&& visible) {
  Tile tile{std::move(queries), {}, {}, {}};
  std::vector<std::int32_t> every, some;  // keys that all queries see, or a part of them
  for (std::int32_t j = 0; j < tk; ++j) {
    const auto seen = std::count_if(tile.queries.begin(), tile.queries.end(),
                                    [&](std::int32_t i) { return visible(Index{i}, Index{j}); });
    if (seen > 0) (seen == std::ssize(tile.queries) ? every : some).push_back(j);
    pairs_ += seen;
  }
  if (every.empty() && some.empty()) return;

  // Side by side, keys need no copy; apart, those that all see make full tiles.
  std::vector<Rows> cuts = neighbours(every, some, tk);
  if (cuts.empty()) {
    tile.keys = std::move(every);
    tile.keys.insert(tile.keys.end(), some.begin(), some.end());
    const Index size = std::ssize(tile.keys);
    for (Index from = 0; from < size; from += side_)
      cuts.push_back({tile.keys.data() + from, 0, std::min(side_, size - from)});
  }
  for (const Rows& keys : cuts) {
    bool full = true;
    const auto words = static_cast<std::size_t>(words_of(keys.size));
    const std::size_t before = tile.bits.size();
    for (std::int32_t i : tile.queries) {
      const std::size_t at = tile.bits.size();
      tile.bits.resize(at + words);
      for (Index c = 0; c < keys.size; ++c) {
        const bool seen = visible(Index{i}, keys[c]);
        full = full && seen;
        tile.bits[at + static_cast<std::size_t>(c) / 64] |= std::uint64_t{seen} << c % 64;
      }
    }
    if (full) tile.bits.resize(before);
    tile.key_tiles.push_back({keys, full});
    visited_ += std::ssize(tile.queries) * keys.size;
  }
  const std::uint64_t* bits = tile.bits.data();  // known only now that the list has stopped growing
  for (KeyTile& keys : tile.key_tiles) {
    largest_ = std::max(largest_, keys.keys.size);
    if (keys.full) continue;
    keys.bits = bits;
    bits += std::ssize(tile.queries) * words_of(keys.keys.size);
  }
  largest_ = std::max<Index>(largest_, std::ssize(tile.queries));
  tiles_.push_back(std::move(tile));
}

}  // namespace heed
