#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/context_split.h"
#include "core/model/batch.h"
#include "core/model/model_spec.h"
#include "core/model/ordered_positions.h"
#include "core/ops/linear.h"
#include "core/position.h"
#include "core/registry.h"

namespace heed {

// How a stream becomes the first rows of the residual stream:
//     x_t = table[token_t]   or   x_t = vector_t W + b,   then   x_t += position_t
// A class token is a learned row before all others, at position 0. Padding gets no rows. A model that reads
// in any order has OrderedPositions.
// Parameters: embedding (V,C), or embedding.weight and embedding.bias; class_token; positions.*;
// target_positions
template <class S>
class Input {
 public:
  // Throws heed::Error if the kind of positions cannot be built.
  Input(const Stream& stream, const ModelSpec& spec, const Registry& registry, Params<S>& params);

  // first: the position of the first row, if only a part of each sequence is read
  Seq<S> forward(Step<S>& step, const SequenceBatch& in, Index batch, Index first = 0);
  // Adds to the gradients; belongs to the latest forward. Applies dropout to dx.
  void backward(Step<S>& step, Seq<S> dx);

  // From now on forward gets this rank's part of each sequence (core/model/own_part.h). Requires: a stream of
  // tokens without class token, which are read in their order.
  void divide(const ContextParallel& parallel) { parallel_ = &parallel; }

  const Position<S>* position() const { return position_.get(); }  // null: none
  Param<S> table() const { return table_; }                        // null for vectors
  Index rows(Index time) const { return time + first_; }           // of a sequence, class token included
  double flops(Index time) const { return map_ ? map_->flops(time) : 0; }

 private:
  void make_positions(const Stream& stream, const ModelSpec& spec, const Registry& registry,
                      Params<S>& params);
  Seq<S> make_rows(Step<S>& step, Index batch, Index before, Index width) const;
  std::span<const Token> tokens(Index b) const;
  void embed_positions(Step<S>& step, Seq<S> x, Index first);
  void embed_positions_backward(Step<S>& step, Seq<const S> dx);
  void map_vectors(Step<S>& step, Seq<S> x);
  void map_vectors_backward(Step<S>& step, Seq<const S> dx);

  Index dim_, width_;
  std::string dropout_name_;
  Index first_ = 0;  // row of the first token or vector
  Param<S> table_, class_token_;
  std::optional<Linear<S>> map_;
  std::unique_ptr<Position<S>> position_;
  std::optional<OrderedPositions<S>> ordered_;
  const ContextParallel* parallel_ = nullptr;  // of divide()
  // of the latest forward
  SequenceBatch in_;
  Seq<S> vectors_;
};

extern template class Input<float>;
extern template class Input<double>;

}  // namespace heed
