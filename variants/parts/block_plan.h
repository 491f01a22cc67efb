#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "core/step.h"
#include "core/views.h"
#include "variants/parts/stretches.h"
#include "variants/parts/tiles.h"

namespace heed {

// The tiles of a visibility pattern that does not depend on the data. Made once for each pair of lengths,
// read by all threads. A tile of queries lists the keys that at least one of its queries sees, at any
// positions, and visits no other. Masks have little to hide if queries that see the same keys are in one
// tile; groups put them together. Uses memory for the listed keys, and one bit for each pair of a tile that
// is not full.
class BlockPlan {
 public:
  // side: of tiles, in queries and in keys. Where each query of a group sees at most `side` keys, and less
  // than half of what the group sees (a window), tiles have half the height and twice the width: they contain
  // fewer hidden pairs, and all keys of their queries, so each row is summed once.
  explicit BlockPlan(Index side) : side_(side) {}
  BlockPlan(BlockPlan&&) = default;  // movable, not copyable: tiles point into the plan
  BlockPlan& operator=(BlockPlan&&) = default;

  // Adds a pass of tq queries and tk keys. keys(i, see) calls see(range) for the keys that query i sees,
  // each key once. Queries are sorted by group(i), and no tile contains two groups. Several passes form a
  // union. Requires: no pair is in two passes. Takes time proportional to the visible pairs.
  template <class Keys, class Group>
  void add(Index tq, Index tk, Keys&& keys, Group&& group);

  // The members of Tiles (tiles.h).
  Index height() const { return highest_; }
  Index width() const { return widest_; }
  bool once() const { return once_; }
  Index count() const { return static_cast<Index>(tiles_.size()); }
  template <class S>
  QueryTile tile(Index t, Memory<S>&) const {
    return tile(t);
  }
  QueryTile tile(Index t) const {
    const Tile& tile = tiles_[static_cast<std::size_t>(t)];
    return {Rows{tile.queries.data(), 0, std::ssize(tile.queries)}, tile.key_tiles};
  }

  Index pairs() const { return pairs_; }      // visible pairs
  Index visited() const { return visited_; }  // all pairs of the tiles

 private:
  struct Tile {
    std::vector<std::int32_t> queries, keys;
    std::vector<std::uint64_t> bits;
    std::vector<KeyTile> key_tiles;
  };
  struct Sides {
    Index height, width;
  };
  static std::vector<Rows> neighbors(const std::vector<std::int32_t>& every,
                                     const std::vector<std::int32_t>& some, Index tk, Index width);
  // Notes on each key while a tile is built.
  struct Noted {
    std::int32_t seen = 0;        // number of queries of the tile that see it
    Index bit = 0, next_row = 0;  // where its mask begins; 0 and 0: its tile is full and has none
  };
  using Queries = std::span<const std::int32_t>;
  template <class Keys>
  Sides sides(Queries group, Keys&& keys, std::vector<Noted>& noted) const;
  template <class Keys>
  void add_tile(Queries queries, Index tk, Index width, Keys&& keys, std::vector<Noted>& noted);

  Index side_, highest_ = 1, widest_ = 1, pairs_ = 0, visited_ = 0;
  bool once_ = false;
  std::vector<Tile> tiles_;
};

template <class Keys, class Group>
void BlockPlan::add(Index tq, Index tk, Keys&& keys, Group&& group) {
  const bool first_pass = tiles_.empty();
  std::vector<std::int32_t> order(static_cast<std::size_t>(tq));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return group(a) < group(b); });
  std::vector<Noted> noted(static_cast<std::size_t>(tk));
  for (auto from = order.begin(); from != order.end();) {
    const auto end = std::find_if(from, order.end(), [&](Index i) { return group(i) != group(*from); });
    const auto [height, width] = sides({from, end}, keys, noted);
    while (from != end) {
      const auto to = from + std::min<Index>(height, end - from);
      add_tile({from, to}, tk, width, keys, noted);
      from = to;
    }
  }
  Index standing = 0;
  for (Index t = 0; t < count(); ++t) standing += tile(t).queries.size;
  once_ = first_pass && standing == tq;
}

template <class Keys>
BlockPlan::Sides BlockPlan::sides(Queries group, Keys&& keys, std::vector<Noted>& noted) const {
  Index most = 0;                  // that a query sees
  std::vector<std::int32_t> seen;  // by any
  for (Index i : group) {
    Index own = 0;
    keys(i, [&](const Stretch& stretch) {
      own += stretch.size();
      for (Index j = stretch.first; j < stretch.end; j += stretch.step)
        if (noted[static_cast<std::size_t>(j)].seen++ == 0) seen.push_back(static_cast<std::int32_t>(j));
    });
    most = std::max(most, own);
  }
  for (std::int32_t j : seen) noted[static_cast<std::size_t>(j)] = {};
  return most <= side_ && 2 * most < std::ssize(seen) ? Sides{(side_ + 1) / 2, 2 * side_}
                                                      : Sides{side_, side_};
}

// Returns ranges of keys that contain both lists, from one multiple of kNear to another if widths allow it,
// so that rows of scores are whole SIMD packets. Returns none if most of their keys would be hidden.
inline std::vector<Rows> BlockPlan::neighbors(const std::vector<std::int32_t>& every,
                                              const std::vector<std::int32_t>& some, Index tk, Index width) {
  constexpr Index kNear = 16;
  const Index near = width % kNear == 0 ? kNear : 1;
  std::vector<std::int32_t> all;
  std::merge(every.begin(), every.end(), some.begin(), some.end(), std::back_inserter(all));
  std::vector<Rows> out;
  Index visited = 0;
  for (auto from = all.begin(); from != all.end();) {
    const Index first = *from / near * near;
    const auto to = std::lower_bound(from, all.end(), first + width);
    const Index last = std::min((*(to - 1) / near + 1) * near, tk);
    out.push_back({nullptr, first, last - first});
    visited += last - first;
    from = to;
  }
  if (2 * std::ssize(all) < visited || every.size() > some.size()) out.clear();
  return out;
}

template <class Keys>
void BlockPlan::add_tile(Queries queries, Index tk, Index width, Keys&& keys, std::vector<Noted>& noted) {
  const auto of = [&](Index j) -> Noted& { return noted[static_cast<std::size_t>(j)]; };
  const auto n = static_cast<std::int32_t>(queries.size());
  Tile tile{{queries.begin(), queries.end()}, {}, {}, {}};
  std::vector<std::int32_t> seen, every, some;  // keys that all queries see, or a part of them
  for (std::int32_t i : tile.queries)
    keys(Index{i}, [&](const Stretch& stretch) {
      for (Index j = stretch.first; j < stretch.end; j += stretch.step)
        if (of(j).seen++ == 0) seen.push_back(static_cast<std::int32_t>(j));
      pairs_ += stretch.size();
    });
  if (seen.empty()) return;
  std::sort(seen.begin(), seen.end());
  for (std::int32_t j : seen) (of(j).seen == n ? every : some).push_back(j);

  // Contiguous keys need no copy. Scattered keys that all queries see form full tiles.
  std::vector<Rows> cuts = neighbors(every, some, tk, width);
  if (cuts.empty()) {
    tile.keys = std::move(every);
    tile.keys.insert(tile.keys.end(), some.begin(), some.end());
    const Index size = std::ssize(tile.keys);
    for (Index from = 0; from < size; from += width)
      cuts.push_back({tile.keys.data() + from, 0, std::min(width, size - from)});
  }
  highest_ = std::max<Index>(highest_, n);
  Index bits = 0;  // so far
  for (const Rows& cut : cuts) {
    bool full = true;
    for (Index c = 0; c < cut.size; ++c) full = full && of(cut[c]).seen == n;
    tile.key_tiles.push_back({cut, full});
    visited_ += n * cut.size;
    widest_ = std::max(widest_, cut.size);
    if (full) continue;
    const Index row = 64 * words_of(cut.size);
    for (Index c = 0; c < cut.size; ++c) of(cut[c]).bit = bits + c, of(cut[c]).next_row = row;
    bits += n * row;
  }

  tile.bits.resize(static_cast<std::size_t>(bits / 64));
  const std::uint64_t* at = tile.bits.data();
  for (KeyTile& cut : tile.key_tiles)
    if (!cut.full) cut.bits = at, at += n * words_of(cut.keys.size);
  for (Index r = 0; r < n; ++r)
    keys(Index{tile.queries[static_cast<std::size_t>(r)]}, [&](const Stretch& stretch) {
      for (Index j = stretch.first; j < stretch.end; j += stretch.step) {
        const Index bit = of(j).bit + r * of(j).next_row;
        if (of(j).next_row > 0) tile.bits[static_cast<std::size_t>(bit / 64)] |= std::uint64_t{1} << bit % 64;
      }
    });
  for (const Rows& cut : cuts)
    for (Index c = 0; c < cut.size; ++c) of(cut[c]) = {};
  tiles_.push_back(std::move(tile));
}

// Counts the pairs of a pattern without making tiles.
class PairCount {
 public:
  void add(Index tq, Index, auto&& keys, auto&&) {
    for (Index i = 0; i < tq; ++i) keys(i, [&](const Stretch& stretch) { pairs_ += stretch.size(); });
  }
  Index pairs() const { return pairs_; }

 private:
  Index pairs_ = 0;
};

}  // namespace heed
