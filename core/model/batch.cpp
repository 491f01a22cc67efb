#include "core/model/batch.h"

#include <algorithm>
#include <cstddef>

namespace heed {
namespace {

// The numbers of some sequences, out of those of `batch`; empty stays empty.
template <class T>
std::span<T> cut(std::span<T> all, Index batch, Index from, Index sequences) {
  const std::size_t each = all.size() / static_cast<std::size_t>(batch);
  return all.subspan(static_cast<std::size_t>(from) * each, static_cast<std::size_t>(sequences) * each);
}

SequenceBatch cut(const SequenceBatch& s, Index batch, Index from, Index sequences) {
  return {s.time,
          cut(s.tokens, batch, from, sequences),
          cut(s.vectors, batch, from, sequences),
          cut(s.lengths, batch, from, sequences),
          cut(s.vector_gradients, batch, from, sequences),
          cut(s.order, batch, from, sequences)};
}

}  // namespace

Batch Batch::part(Index from, Index sequences) const {
  return {cut(input, batch, from, sequences), cut(labels, batch, from, sequences), sequences, labeled,
          cut(source, batch, from, sequences)};
}

Index Batch::scored() const {
  const Index each = labeled == Labels::per_sequence ? 1 : input.time;
  Index sum = 0;
  for (Index b = 0; b < batch; ++b) {
    const Index length = labeled == Labels::per_sequence ? 1 : input.length(b);
    const auto own = labels.subspan(static_cast<std::size_t>(b * each), static_cast<std::size_t>(length));
    sum += std::ranges::count_if(own, [](Token t) { return t != kUnscored; });
  }
  return sum;
}

Batch token_batch(std::span<const Token> tokens, std::span<const Token> labels, Index batch, Index time) {
  return {.input = {.time = time, .tokens = tokens}, .labels = labels, .batch = batch};
}

}  // namespace heed
