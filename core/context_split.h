#pragma once

#include <utility>
#include <vector>

#include "core/communicator.h"
#include "core/views.h"

namespace heed {

// Positions first .. first + size - 1 of a sequence.
struct Piece {
  Index first = 0, size = 0;
};

// How the positions of a sequence may be divided among several ranks: not at all, in one piece for each rank,
// or in any pieces.
enum class Splits { none, contiguous, any };

// How the positions of a sequence are divided among ranks. Parts may differ in size, and may be empty.
//
// contiguous: rank r has chunk r of R.
// zigzag:     rank r has chunks r and 2R - 1 - r of 2R, an early and a late one: with a causal mask, whose
// late
//             queries see more keys than early ones, all ranks then have as many visible pairs.
class ContextSplit {
 public:
  static ContextSplit contiguous(int ranks) { return {ranks, 1, {}}; }
  static ContextSplit zigzag(int ranks) { return {ranks, 2, {}}; }
  // Rank r has the positions bounds[r] .. bounds[r + 1] - 1 of every sequence. For tests.
  static ContextSplit at(std::vector<Index> bounds) {
    const int ranks = static_cast<int>(bounds.size()) - 1;
    return {ranks, 1, std::move(bounds)};
  }

  int ranks() const { return ranks_; }
  int pieces() const { return pieces_; }  // of each rank
  bool is_contiguous() const { return pieces_ == 1; }

  // Returns the i-th piece of a rank, of a sequence of `length` positions.
  Piece piece(Index length, int rank, int i) const;
  // Returns how many positions a rank has.
  Index size(Index length, int rank) const;

 private:
  ContextSplit(int ranks, int pieces, std::vector<Index> bounds)
      : ranks_(ranks), pieces_(pieces), bounds_(std::move(bounds)) {}
  Index start(Index length, Index chunk) const;

  int ranks_, pieces_;
  std::vector<Index> bounds_;
};

// Returns how to divide the sequences of a layer that claims `splits`, so that all ranks have as much to do.
// Requires: it claims one.
ContextSplit balanced_split(Splits splits, bool causal, int ranks);

// What the layers of one rank know of the others: docs/context-parallelism.md. x, y and their gradients have
// only the rows of this rank's pieces.
struct ContextParallel {
  Communicator& communicator;
  ContextSplit split;
  std::vector<Index> lengths;  // of the sequences of the batch, with all ranks' parts; set before forward

  int rank() const { return communicator.rank(); }
  int ranks() const { return communicator.size(); }
  Index length(Index b) const { return lengths[static_cast<std::size_t>(b)]; }
  Index own_rows(Index b) const { return split.size(length(b), rank()); }
};

// Calls task(x', first) for each piece of each sequence of this rank: x' are its rows of x, and `first` is
// the position of the first of them.
template <class S, class Task>
void for_pieces(const ContextParallel& parallel, Heads<S> x, Task&& task) {
  for (Index b = 0; b < x.batch; ++b) {
    Index row = x.start(b);
    for (int i = 0; i < parallel.split.pieces(); ++i) {
      const Piece piece = parallel.split.piece(parallel.length(b), parallel.rank(), i);
      task(Heads<S>{x.data + row * x.heads * x.dim, 1, x.heads, piece.size, x.dim}, piece.first);
      row += piece.size;
    }
  }
}

}  // namespace heed
