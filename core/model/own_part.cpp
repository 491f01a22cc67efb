#include "core/model/own_part.h"

#include <algorithm>

#include "core/error.h"

namespace heed {

Batch OwnPart::of(const Batch& whole) {
  const SequenceBatch& in = whole.input;
  HEED_CHECK(!in.tokens.empty() && whole.labeled == Labels::per_position,
             "only tokens with a label at each position are divided among ranks");
  parallel_.lengths.clear();
  lengths_.clear();
  places_.clear();
  for (Index b = 0; b < whole.batch; ++b) {
    parallel_.lengths.push_back(in.length(b));
    lengths_.push_back(parallel_.own_rows(b));
  }
  // A rank may have no row at all, but a batch has room for one.
  const Index room = std::max<Index>(1, *std::ranges::max_element(lengths_));
  tokens_.resize(static_cast<std::size_t>(whole.batch * room));
  labels_.resize(tokens_.size());
  std::size_t scored = 0;  // labels of the whole batch so far
  for (Index b = 0; b < whole.batch; ++b) {
    auto at = static_cast<std::size_t>(b * in.time), row = static_cast<std::size_t>(b * room);
    const std::size_t begin = at;
    const auto skip_to = [&](Index position) {
      for (; at < begin + static_cast<std::size_t>(position); ++at) scored += whole.labels[at] != kUnscored;
    };
    for (int i = 0; i < parallel_.split.pieces(); ++i) {
      const Piece piece = parallel_.split.piece(in.length(b), parallel_.rank(), i);
      skip_to(piece.first);
      for (Index t = 0; t < piece.size; ++t, ++at, ++row) {
        tokens_[row] = in.tokens[at];
        labels_[row] = whole.labels[at];
        if (whole.labels[at] != kUnscored) places_.push_back(scored++);
      }
    }
    skip_to(in.length(b));
  }
  return {.input = {.time = room, .tokens = tokens_, .lengths = lengths_},
          .labels = labels_,
          .batch = whole.batch};
}

}  // namespace heed
