#include "core/context_split.h"

#include <algorithm>
#include <vector>

#include "core/divisible.h"
#include "core/head_kernel.h"
#include "tests/catch.h"

namespace heed {
namespace {

// How many ranks have each position.
std::vector<int> owners(const ContextSplit& split, Index length) {
  std::vector<int> count(static_cast<std::size_t>(length));
  for (int r = 0; r < split.ranks(); ++r)
    for (int i = 0; i < split.pieces(); ++i) {
      const Piece piece = split.piece(length, r, i);
      for (Index p = piece.first; p < piece.first + piece.size; ++p) ++count[static_cast<std::size_t>(p)];
    }
  return count;
}

// The visible pairs of a causal mask whose queries rank r has.
Index pairs_of(const ContextSplit& split, Index length, int r) {
  Index sum = 0;
  for (int i = 0; i < split.pieces(); ++i)
    for (int s = 0; s < split.ranks(); ++s)
      for (int j = 0; j < split.pieces(); ++j) {
        const Piece queries = split.piece(length, r, i), keys = split.piece(length, s, j);
        sum += visible_pairs(queries.size, keys.size, {true, queries.first - keys.first});
      }
  return sum;
}

}  // namespace

TEST_CASE("split: every position belongs to exactly one rank, for any length") {
  for (const int ranks : {1, 2, 3, 4, 7})
    for (const ContextSplit& split : {ContextSplit::contiguous(ranks), ContextSplit::zigzag(ranks)})
      for (Index length = 0; length < 40; ++length) {
        CAPTURE(ranks, length, split.is_contiguous());
        CHECK(owners(split, length) == std::vector<int>(static_cast<std::size_t>(length), 1));
        Index rows = 0;
        for (int r = 0; r < ranks; ++r) rows += split.size(length, r);
        CHECK(rows == length);
      }
}

TEST_CASE("split: parts differ by at most one position for each piece") {
  for (const int ranks : {2, 3, 4})
    for (const ContextSplit& split : {ContextSplit::contiguous(ranks), ContextSplit::zigzag(ranks)})
      for (const Index length : {5, 13, 64, 1001}) {
        std::vector<Index> sizes;
        for (int r = 0; r < ranks; ++r) sizes.push_back(split.size(length, r));
        const auto [least, most] = std::ranges::minmax(sizes);
        CHECK(most - least <= split.pieces());
      }
}

TEST_CASE("split: in zigzag all ranks have as many visible pairs, contiguous the last has most") {
  const Index n = 64;
  for (const int ranks : {2, 4}) {
    Index sum = 0;
    for (int r = 0; r < ranks; ++r) {
      CHECK(pairs_of(ContextSplit::zigzag(ranks), n, r) == n * (n + 1) / 2 / ranks);
      sum += pairs_of(ContextSplit::contiguous(ranks), n, r);
    }
    CHECK(sum == n * (n + 1) / 2);
    CHECK(pairs_of(ContextSplit::contiguous(ranks), n, ranks - 1) >
          2 * pairs_of(ContextSplit::contiguous(ranks), n, 0));
  }
}

TEST_CASE("split: given bounds may be uneven, with empty parts") {
  const ContextSplit split = ContextSplit::at({0, 3, 3, 10});
  CHECK(split.ranks() == 3);
  CHECK(split.size(10, 0) == 3);
  CHECK(split.size(10, 1) == 0);
  CHECK(split.piece(10, 2, 0).first == 3);
  CHECK(owners(split, 10) == std::vector<int>(10, 1));
}

TEST_CASE("split: a variant that does not claim it is refused with a sentence") {
  CHECK_THROWS_WITH(require_split("lstm", Splits::none, ContextSplit::contiguous(2)),
                    ContainsSubstring("'lstm' does not support context parallelism") &&
                        ContainsSubstring("Train it on one rank"));
  CHECK_THROWS_WITH(
      require_split("linear", Splits::contiguous, ContextSplit::zigzag(2)),
      ContainsSubstring("'linear' passes its state from rank to rank") && ContainsSubstring("contiguous"));
  CHECK_NOTHROW(require_split("linear", Splits::contiguous, ContextSplit::contiguous(2)));
  CHECK_NOTHROW(require_split("softmax", Splits::any, ContextSplit::zigzag(2)));
}

TEST_CASE("split: causal masks get zigzag where the variant allows it") {
  CHECK_FALSE(balanced_split(Splits::any, true, 2).is_contiguous());
  CHECK(balanced_split(Splits::any, false, 2).is_contiguous());
  CHECK(balanced_split(Splits::contiguous, true, 2).is_contiguous());
}

}  // namespace heed
