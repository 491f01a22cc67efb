#include "core/context_split.h"

#include "core/error.h"

namespace heed {

Index ContextSplit::start(Index length, Index chunk) const {
  return bounds_.empty() ? length * chunk / (Index(pieces_) * ranks_)
                         : bounds_[static_cast<std::size_t>(chunk)];
}

Piece ContextSplit::piece(Index length, int rank, int i) const {
  const Index chunk = i == 0 ? rank : Index(2) * ranks_ - 1 - rank;
  const Index first = start(length, chunk);
  return {first, start(length, chunk + 1) - first};
}

Index ContextSplit::size(Index length, int rank) const {
  Index sum = 0;
  for (int i = 0; i < pieces_; ++i) sum += piece(length, rank, i).size;
  return sum;
}

ContextSplit balanced_split(Splits splits, bool causal, int ranks) {
  HEED_CHECK(splits != Splits::none, "a variant that claims no context parallelism gets a split");
  return causal && splits == Splits::any ? ContextSplit::zigzag(ranks) : ContextSplit::contiguous(ranks);
}

}  // namespace heed
