#pragma once

#include <memory>
#include <vector>

#include "core/step.h"
#include "core/view_copy.h"
#include "core/views.h"

namespace heed {

template <class S>
class Layer;

// Runs a layer token by token, and keeps of earlier tokens and of a context what later tokens need. Requires:
// the layer that made it outlives it and runs no other pass during next().
template <class S>
class LayerDecoder {
 public:
  virtual ~LayerDecoder() = default;

  // Reads one more token x (B,1,C) and writes y (B,1,C): the last row that forward on all tokens so far would
  // write. Uses memory of the step, which the caller rewinds.
  virtual void next(Step<S>& step, Seq<const S> x, Seq<S> y) = 0;

  // The same, with one more token (B,1,C) of the layer's context. Decoders of layers that read the embeddings
  // (Traits::reads_embeddings) override it; next(step, x, y) is then next_with_context(step, x, x, y).
  virtual void next_with_context(Step<S>& step, Seq<const S> x, Seq<const S> context, Seq<S> y) {
    (void)context;
    next(step, x, y);
  }

  // Returns the bytes that it keeps for each sequence of the full length, at 4 bytes a number.
  virtual double state_bytes() const = 0;
};

// The decoder of a layer that computes each position separately. It keeps nothing.
template <class S>
class PositionwiseDecoder final : public LayerDecoder<S> {
 public:
  explicit PositionwiseDecoder(Layer<S>& layer) : layer_(layer) {}
  void next(Step<S>& step, Seq<const S> x, Seq<S> y) override;
  double state_bytes() const override { return 0; }

 private:
  Layer<S>& layer_;
};

// The decoder of any layer: keeps all inputs, and the context if there is one, and runs forward on all of
// them for each token. Slow.
template <class S>
class RepeatingDecoder final : public LayerDecoder<S> {
 public:
  // context: of cross-attention; without data, the tokens attend to themselves
  RepeatingDecoder(Layer<S>& layer, Index batch, Index length, Seq<const S> context = {})
      : layer_(layer), rows_(static_cast<std::size_t>(batch)), length_(length), context_(context) {}

  void next(Step<S>& step, Seq<const S> x, Seq<S> y) override;
  double state_bytes() const override {
    const Seq<const S> context = context_.view();
    return 4.0 * static_cast<double>(length_ * dim_ + context.time * context.dim);
  }

 private:
  Layer<S>& layer_;
  std::vector<std::vector<S>> rows_;  // of each sequence, one after the other
  Index length_, dim_ = 0, seen_ = 0;
  ViewCopy<Seq<const S>> context_;
};

extern template class PositionwiseDecoder<float>;
extern template class PositionwiseDecoder<double>;
extern template class RepeatingDecoder<float>;
extern template class RepeatingDecoder<double>;

}  // namespace heed
