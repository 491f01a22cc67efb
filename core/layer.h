#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/layer_decoder.h"
#include "core/params.h"
#include "core/position.h"
#include "core/step.h"
#include "core/traits.h"
#include "core/views.h"

namespace heed {

// The keys that a query may see at all. If causal, query i sees key j iff j <= i + offset. The default offset
// is Tk - Tq: the last query sees the last key (as in FlashAttention since 2.1). It is 0 if Tq = Tk.
struct Causality {
  bool causal = true;
  std::optional<Index> offset = {};
};

// What a layer is built for.
template <class S>
struct LayerSpec {
  Index dim = 0;          // C, width of x and y
  Index context_dim = 0;  // width of the sequence attended to
  Index heads = 1;
  Index depth = 0;   // this block's index, from 0
  Index layers = 1;  // blocks in the model
  Index length = 0;  // of the longest sequence
  Causality causality = {};
  bool bias = true;                       // of linear maps
  const Position<S>* position = nullptr;  // null: no positions; outlives the layer
};

// The cost of one sequence.
struct Cost {
  double flops = 0;        // of the forward pass; a multiply-add counts as two
  double state_bytes = 0;  // kept when decoding token by token, at 4 bytes a number
  void operator+=(const Cost& other) { flops += other.flops, state_bytes += other.state_bytes; }
};

// A sublayer of a block: y = layer(x, context), shapes (B,T,C). heed uses every variant through this
// interface. Sequences of a batch may have different lengths (core/views.h): a layer allocates them with
// Memory::keep(x, dim), iterates over rows() or at(b), and calls length(b).
//
// Backward belongs to the latest forward and reads what it kept. Requires: x, context and y are not moved or
// changed in between. If x and context are the same sequence, so are dx and dcontext, and backward adds both
// gradients into it.
template <class S>
class Layer {
 public:
  virtual ~Layer() = default;

  // Writes all of y.
  virtual void forward(Step<S>& step, Seq<const S> x, Seq<const S> context, Seq<S> y) = 0;

  // Adds into dx, dcontext and the gradients of the parameters. Requires: step.training in the latest
  // forward.
  virtual void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S> dcontext) = 0;

  // Writes the attention weights of the latest forward, for sequence b and head h: all of p (Tq,Tk), zeros
  // for hidden pairs. Tq and Tk are the lengths of sequence b. Takes quadratic memory: for probes, not for
  // training. Returns false if the layer has no weights.
  virtual bool weights(Step<S>& step, Index b, Index h, Mat<S> p) {
    return (void)step, (void)b, (void)h, (void)p, false;
  }
  virtual Index weight_heads() const { return 0; }  // how many heads weights() can show

  virtual Cost cost(Index tq, Index tk) const = 0;

  // Returns a decoder of `batch` sequences of up to `length` tokens, which attend to themselves and have seen
  // nothing yet. The default repeats forward for each token. Requires: the layer is causal.
  virtual std::unique_ptr<LayerDecoder<S>> decoder(Index batch, Index length) {
    return std::make_unique<RepeatingDecoder<S>>(*this, batch, length);
  }

  // Returns a decoder of sequences of up to `length` tokens, each of which attends to its sequence of the
  // context (cross-attention). The context is complete and not read afterwards. The default keeps it, and
  // repeats forward for each token. Requires: the layer has no causal mask; a row of y depends on no later
  // row of x.
  virtual std::unique_ptr<LayerDecoder<S>> context_decoder(Step<S>& step, Seq<const S> context,
                                                           Index length) {
    return (void)step, std::make_unique<RepeatingDecoder<S>>(*this, context.batch, length, context);
  }
};

}  // namespace heed
