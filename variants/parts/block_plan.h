#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "core/step.h"
#include "core/views.h"
#include "variants/parts/tiles.h"

namespace heed {

// The tiles of a visibility pattern that does not depend on the data: made once for each pair of lengths,
// read by all threads. Keys are gathered: a tile of queries lists the keys that at least one of them sees,
// wherever they stand, and visits no other. What is left to masks is small when queries that see the same
// keys stand together; that is what groups are for. Takes memory for the keys listed, and a bit for each pair
// of a tile that is not full.
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
    return {rows(tile.queries, 0, tile.queries.size()), tile.key_tiles};
  }

  Index pairs() const { return pairs_; }      // visible ones
  Index visited() const { return visited_; }  // all that stand in a tile

 private:
  struct Tile {
    std::vector<std::int32_t> queries, keys;
    std::vector<std::uint64_t> bits;
    std::vector<KeyTile> key_tiles;
  };
  static Rows rows(const std::vector<std::int32_t>& list, std::size_t from, std::size_t size) {
    return {list.data() + from, 0, static_cast<Index>(size)};
  }
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

template <class Visible>
void BlockPlan::add_tile(std::vector<std::int32_t> queries, Index tk, Visible&& visible) {
  Tile tile{std::move(queries), {}, {}, {}};
  std::vector<std::int32_t> some;  // keys that a part of the queries sees: after those that all see
  for (std::int32_t j = 0; j < tk; ++j) {
    const auto seen = std::count_if(tile.queries.begin(), tile.queries.end(),
                                    [&](std::int32_t i) { return visible(Index{i}, Index{j}); });
    if (seen > 0) (seen == std::ssize(tile.queries) ? tile.keys : some).push_back(j);
    pairs_ += seen;
  }
  const std::size_t full = tile.keys.size(), side = static_cast<std::size_t>(side_);
  tile.keys.insert(tile.keys.end(), some.begin(), some.end());
  if (tile.keys.empty()) return;

  for (std::size_t from = 0; from < tile.keys.size(); from += side) {
    const std::size_t size = std::min(side, tile.keys.size() - from);
    tile.key_tiles.push_back({rows(tile.keys, from, size), from + size <= full});
    if (tile.key_tiles.back().full) continue;
    const std::size_t words = static_cast<std::size_t>(words_of(static_cast<Index>(size)));
    for (std::int32_t i : tile.queries) {
      const std::size_t at = tile.bits.size();
      tile.bits.resize(at + words);
      for (std::size_t c = 0; c < size; ++c)
        if (visible(Index{i}, Index{tile.keys[from + c]}))
          tile.bits[at + c / 64] |= std::uint64_t{1} << c % 64;
    }
  }
  const std::uint64_t* bits = tile.bits.data();  // known only now that the list has stopped growing
  for (KeyTile& keys : tile.key_tiles) {
    largest_ = std::max(largest_, keys.keys.size);
    if (keys.full) continue;
    keys.bits = bits;
    bits += std::ssize(tile.queries) * words_of(keys.keys.size);
  }
  largest_ = std::max<Index>(largest_, std::ssize(tile.queries));
  visited_ += std::ssize(tile.queries) * std::ssize(tile.keys);
  tiles_.push_back(std::move(tile));
}

}  // namespace heed
