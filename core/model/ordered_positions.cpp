#include "core/model/ordered_positions.h"

#include <fmt/format.h>

#include "core/error.h"

namespace heed {
namespace {

// The place of the token that row t of sequence b predicts.
Index target(const SequenceBatch& in, Index b, Index t, Index first) {
  return in.order.empty() ? first + t : in.order[static_cast<std::size_t>(b * in.time + t)];
}

// The position of row t: that of its token, one after the condition's.
Index position_of_row(const SequenceBatch& in, Index b, Index t) {
  return t == 0 ? 0 : 1 + target(in, b, t - 1, 0);
}

template <class S>
Seq<S> zero_table(Memory<S>& memory, Index rows, Index dim) {
  const Seq<S> table = memory.temp(1, rows, dim);
  table.rows().setZero();
  return table;
}

// Does it rotate a row of ones, or bias scores?
template <class S>
bool acts_on_attention(const Position<S>& position, const ModelOptions& options) {
  if (position.slope(0, options.heads) != 0) return true;
  Matrix<S> row = Matrix<S>::Ones(1, options.dim / options.heads);
  position.rotate({row.data(), 1, 1, 1, row.cols()}, 1);
  return row != Matrix<S>::Ones(1, row.cols());
}

}  // namespace

template <class S>
OrderedPositions<S>::OrderedPositions(const ModelSpec& spec, const Position<S>* position, Params<S>& params)
    : position_(position), length_(spec.shape.input.length) {
  if (position_ && acts_on_attention(*position_, spec.options))
    throw Error(fmt::format(
        "the positions '{}' count the rows that attention sees, and the task reads its tokens in any order. "
        "Use model.positions: learned, sinusoidal or none.",
        spec.positions.name));
  const auto component = params.component(Component::positions);
  targets_ =
      params.declare("target_positions", length_, spec.options.dim, Init::normal(0.02), Role::undecayed);
}

template <class S>
void OrderedPositions<S>::embed(Step<S>& step, const SequenceBatch& in, Seq<S> x, Index first) {
  HEED_CHECK(first == 0 || in.order.empty(), "only raster order can be read in parts");
  if (position_ && in.order.empty()) position_->embed(x, first);
  if (position_ && !in.order.empty()) {
    Memory<S> memory = step.memory();
    typename Memory<S>::Scope scope(memory);
    const Seq<S> table = zero_table(memory, length_ + 1, x.dim);
    position_->embed(table, 0);
    for (Index b = 0; b < x.batch; ++b)
      for (Index t = 0; t < x.length(b); ++t) x.at(b).row(t) += table.rows().row(position_of_row(in, b, t));
  }
  for (Index b = 0; b < x.batch; ++b)
    for (Index t = 0; t < x.length(b); ++t)
      if (const Index next = target(in, b, t, first); next < length_)
        x.at(b).row(t) += targets_.value().row(next);
}

// dP and dtarget are sums over the rows that got them.
template <class S>
void OrderedPositions<S>::embed_backward(Step<S>& step, const SequenceBatch& in, Seq<const S> dx) {
  for (Index b = 0; b < dx.batch; ++b)
    for (Index t = 0; t < dx.length(b); ++t)
      if (const Index next = target(in, b, t, 0); next < length_)
        targets_.grad().row(next) += dx.at(b).row(t);
  if (!position_) return;
  if (in.order.empty()) return position_->embed_backward(dx, 0);
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  const Seq<S> dtable = zero_table(memory, length_ + 1, dx.dim);
  for (Index b = 0; b < dx.batch; ++b)
    for (Index t = 0; t < dx.length(b); ++t) dtable.rows().row(position_of_row(in, b, t)) += dx.at(b).row(t);
  position_->embed_backward(dtable, 0);
}

template class OrderedPositions<float>;
template class OrderedPositions<double>;

}  // namespace heed
