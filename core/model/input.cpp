#include "core/model/input.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/ops/dropout.h"
#include "core/ops/embedding.h"

namespace heed {
namespace {

// Throws: heed::Error if positions need a grid that the task does not have.
void require_grid(const PositionTraits& traits, const ModelSpec& spec) {
  if (traits.grid && spec.ordered)
    throw Error(
        fmt::format("model.positions: '{}' places rows in a grid, and the condition that precedes the tokens "
                    "(task.order) would shift them. Use learned, sinusoidal or none.",
                    spec.positions.name));
  if (traits.task_columns && spec.columns == 0)
    throw Error(fmt::format(
        "the positions of this task are in one dimension, and '{}' needs two: use other positions, or say "
        "how many positions are in a row, as '{}: {{columns: 8}}'.",
        spec.positions.name, spec.positions.name));
}

}  // namespace

template <class S>
Input<S>::Input(const Stream& stream, const ModelSpec& spec, const Registry& registry, Params<S>& params)
    : dim_(spec.options.dim), width_(stream.width), dropout_name_(params.full_name("embedding")) {
  constexpr double stddev = 0.02;
  const auto component = params.component(Component::embedding);
  if (stream.kind == Stream::Kind::tokens)
    table_ = params.declare("embedding", width_, dim_, Init::normal(stddev), Role::undecayed);
  else
    map_.emplace("embedding", width_, dim_, spec.options.has_linear_bias(), stddev, params);
  if (spec.class_token) {
    class_token_ = params.declare("class_token", 1, dim_, Init::normal(stddev), Role::undecayed);
    first_ = 1;
  }
  if (spec.positions.name != "none") make_positions(stream, spec, registry, params);
  if (spec.ordered) ordered_.emplace(spec, position_.get(), params);
}

// In another order, the last token may have a row, too.
template <class S>
void Input<S>::make_positions(const Stream& stream, const ModelSpec& spec, const Registry& registry,
                              Params<S>& params) {
  const auto scope = params.scope("positions", Component::positions);
  const Index length = rows(stream.length) + (spec.ordered ? 1 : 0);
  const PositionInfo& kind = registry.position(spec.positions.name);
  require_grid(kind.traits(spec.positions.options), spec);
  position_ = kind.make(spec.positions.options, {dim_, spec.options.heads, length, spec.columns}, params);
}

// Rows for each sequence as it is long, `before` more in front of them.
template <class S>
Seq<S> Input<S>::make_rows(Step<S>& step, Index batch, Index before, Index width) const {
  Memory<S> memory = step.memory();
  Seq<S> x = memory.keep(batch, in_.time + before, width);
  if (in_.lengths.empty()) return x;
  const std::span<Index> starts = memory.template keep_span<Index>(batch + 1);
  starts[0] = 0;
  for (Index b = 0; b < batch; ++b) {
    HEED_CHECK(in_.length(b) >= 0 && in_.length(b) <= in_.time, "a sequence is longer than its batch");
    starts[static_cast<std::size_t>(b) + 1] = starts[static_cast<std::size_t>(b)] + before + in_.length(b);
  }
  x.starts = starts.data();
  return x;
}

template <class S>
std::span<const Token> Input<S>::tokens(Index b) const {
  return in_.tokens.subspan(static_cast<std::size_t>(b * in_.time), static_cast<std::size_t>(in_.length(b)));
}

template <class S>
Seq<S> Input<S>::forward(Step<S>& step, const SequenceBatch& in, Index batch, Index first) {
  in_ = in;
  const Seq<S> x = make_rows(step, batch, first_, dim_);
  if (map_) map_vectors(step, x);
  for (Index b = 0; b < batch; ++b) {
    if (class_token_) x.at(b).row(0) = class_token_.value().row(0);
    if (table_) embed<S>(table_.value(), tokens(b), row_block(x.at(b), first_, in.length(b)));
  }
  embed_positions(step, x, first);
  apply_dropout(step, dropout_name_, x);
  return x;
}

template <class S>
void Input<S>::backward(Step<S>& step, Seq<S> dx) {
  apply_dropout(step, dropout_name_, dx);
  embed_positions_backward(step, dx);
  for (Index b = 0; b < dx.batch; ++b) {
    if (class_token_) class_token_.grad() += dx.at(b).row(0);
    if (table_) embed_backward<S>(tokens(b), row_block(dx.at(b), first_, in_.length(b)), table_.grad());
  }
  if (map_) map_vectors_backward(step, dx);
}

template <class S>
void Input<S>::embed_positions(Step<S>& step, Seq<S> x, Index first) {
  if (ordered_) return ordered_->embed(step, in_, x, first);
  if (!position_) return;
  if (!parallel_) return position_->embed(x, first);
  for_pieces(*parallel_, x.heads(1), [&](Heads<S> piece, Index at) {
    position_->embed({piece.data, 1, piece.time, piece.dim}, at);
  });
}

template <class S>
void Input<S>::embed_positions_backward(Step<S>& step, Seq<const S> dx) {
  if (ordered_) return ordered_->embed_backward(step, in_, dx);
  if (!position_) return;
  if (!parallel_) return position_->embed_backward(dx, 0);
  for_pieces(*parallel_, dx.heads(1), [&](Heads<const S> piece, Index at) {
    position_->embed_backward({piece.data, 1, piece.time, piece.dim}, at);
  });
}

template <class S>
void Input<S>::map_vectors(Step<S>& step, Seq<S> x) {
  vectors_ = make_rows(step, x.batch, 0, width_);
  for (Index b = 0; b < x.batch; ++b)
    vectors_.at(b) =
        const_mat(in_.vectors.data() + b * in_.time * width_, in_.length(b), width_).template cast<S>();
  if (!class_token_) return map_->forward(step, vectors_, x);
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  const Seq<S> mapped = memory.temp(vectors_, dim_);
  map_->forward(step, vectors_, mapped);
  for (Index b = 0; b < x.batch; ++b) row_block(x.at(b), first_, in_.length(b)) = mapped.at(b);
}

template <class S>
void Input<S>::map_vectors_backward(Step<S>& step, Seq<const S> dx) {
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  const Seq<S> dmapped = memory.temp(vectors_, dim_);
  for (Index b = 0; b < dx.batch; ++b) dmapped.at(b) = row_block(dx.at(b), first_, in_.length(b));
  if (in_.vector_gradients.empty()) return map_->backward(step, dmapped, {});
  const Seq<S> dvectors = memory.temp(vectors_, width_);
  dvectors.rows().setZero();
  map_->backward(step, dmapped, dvectors);
  for (Index b = 0; b < dx.batch; ++b)
    mat(in_.vector_gradients.data() + b * in_.time * width_, in_.length(b), width_) +=
        dvectors.at(b).template cast<double>();
}

template class Input<float>;
template class Input<double>;

}  // namespace heed
