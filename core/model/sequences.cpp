#include "core/model/sequences.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "core/error.h"
#include "core/task_traits.h"

namespace heed {
namespace {

template <class T>
std::span<T> row_of(std::vector<T>& all, Index row, Index width) {
  return std::span(all).subspan(static_cast<std::size_t>(row * width), static_cast<std::size_t>(width));
}

bool is_raster(std::span<const Token> order, Index length) {
  for (std::size_t i = 0; i < order.size(); ++i)
    if (order[i] != static_cast<Token>(static_cast<Index>(i) % length)) return false;
  return true;
}

}  // namespace

Sequences::StreamRoom::StreamRoom(const Stream& of, Index batch)
    : stream(of), lengths(static_cast<std::size_t>(batch), of.length) {
  if (of.kind == Stream::Kind::tokens) tokens.resize(static_cast<std::size_t>(batch * of.length));
  if (of.kind == Stream::Kind::vectors)
    vectors.resize(static_cast<std::size_t>(batch * of.length * of.width));
}

SequenceSpan Sequences::StreamRoom::row(Index r) {
  SequenceSpan out{.length = stream.length};
  if (!tokens.empty()) out.tokens = row_of(tokens, r, stream.length);
  if (!vectors.empty()) out.vectors = row_of(vectors, r, stream.length * stream.width);
  return out;
}

void Sequences::StreamRoom::close(Index r, Index length) {
  HEED_CHECK(length >= 0 && length <= stream.length, "a task filled a sequence beyond its room");
  lengths[static_cast<std::size_t>(r)] = length;
  const SequenceSpan written = row(r);
  if (!tokens.empty()) std::fill(written.tokens.begin() + length, written.tokens.end(), 0);
  if (!vectors.empty())
    std::fill(written.vectors.begin() + length * stream.width, written.vectors.end(), 0.0);
}

SequenceBatch Sequences::StreamRoom::all() const {
  return {.time = stream.length, .tokens = tokens, .vectors = vectors, .lengths = lengths};
}

Sequences::Sequences(const Task& source, Index batch)
    : task(source),
      shape(source.shape()),
      labels(
          static_cast<std::size_t>(batch * (shape.labels == Labels::per_sequence ? 1 : shape.input.length))),
      batch_(batch),
      input_(shape.input, batch),
      source_(shape.source, batch),
      order_(annealing(source) ? labels.size() : 0) {}

void Sequences::fill(Index row, Split split, std::uint64_t index) {
  const Index own = std::ssize(labels) / batch_;
  Example example{input_.row(row), row_of(labels, row, own), source_.row(row)};
  task.fill(split, index, example);
  input_.close(row, example.input.length);
  source_.close(row, example.source.length);
  if (!order_.empty()) {
    const std::span<Token> raster = row_of(order_, row, shape.input.length);
    std::iota(raster.begin(), raster.end(), 0);
  }
  if (shape.labels == Labels::per_position)
    std::fill(example.labels.begin() + example.input.length, example.labels.end(), kUnscored);
}

// The labels in raster order are the tokens from 1 on, and the last label.
void Sequences::reorder(Index row, std::span<const Token> order) {
  HEED_CHECK(
      !order_.empty() && !order.empty() && std::ssize(order) == input_.lengths[static_cast<std::size_t>(row)],
      "an order does not fit its sequence");
  const std::span<Token> tokens = input_.row(row).tokens.first(order.size()),
                         own = row_of(labels, row, shape.input.length).first(order.size());
  std::ranges::copy(order, row_of(order_, row, shape.input.length).begin());
  const Token last = own.back();
  for (std::size_t s = 0; s < order.size(); ++s) {
    const auto at = static_cast<std::size_t>(order[s]);
    own[s] = at + 1 < tokens.size() ? tokens[at + 1] : last;
  }
  std::ranges::copy(own.first(own.size() - 1), tokens.begin() + 1);
}

Batch Sequences::first(Index n) const {
  Batch all{input_.all(), labels, batch_, shape.labels, source_.all()};
  all.input.order = order_;
  Batch out = all.part(0, n);
  // Full sequences need no lengths.
  for (SequenceBatch* s : {&out.input, &out.source})
    if (std::ranges::all_of(s->lengths, [s](Index length) { return length == s->time; })) s->lengths = {};
  if (is_raster(out.input.order, shape.input.length)) out.input.order = {};
  return out;
}

}  // namespace heed
