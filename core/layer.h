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

// Which keys a query may see at all. Query i sees key j iff j <= i + offset; without a given offset the last
// query sees the last key (offset = Tk - Tq, as FlashAttention has it since 2.1). Where queries and keys are
// as many, the two agree.
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
  Index length = 0;  // the longest sequence that will come
  Causality causality = {};
  bool bias = true;                       // do linear maps have one?
  const Position<S>* position = nullptr;  // null: none; outlives the layer
};

// Multiply-adds count as two. Per sequence.
struct Cost {
  double flops = 0;        // forward pass
  double state_bytes = 0;  // kept per sequence when decoding token by token, at 4 bytes a number
  void operator+=(const Cost& other) { flops += other.flops, state_bytes += other.state_bytes; }
};

// From residual to residual: y = layer(x, context), shapes (B,T,C). What all of heed knows of a variant.
// Sequences of a batch may have different lengths (core/views.h): a layer takes room for them with
// Memory::keep(x, dim), walks rows() or at(b), and asks for length(b).
//
// One forward is in flight at a time: backward belongs to the latest forward and reads what it kept. x,
// context and y stay in place until then. When x and context are the same sequence, dx and dcontext are too,
// and the sum comes out right.
template <class S>
class Layer {
 public:
  virtual ~Layer() = default;

  // Writes all of y.
  virtual void forward(Step<S>& step, Seq<const S> x, Seq<const S> context, Seq<S> y) = 0;

  // Adds into dx, dcontext and the gradients of the parameters. REQUIRES: the latest forward had
  // step.training.
  virtual void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S> dcontext) = 0;

  // Attention weights of the latest forward, for sequence b and head h: writes all of p (Tq,Tk), zeros where
  // nothing is seen; Tq and Tk are the lengths of sequence b. A quadratic picture for probes, not for
  // training. False where the layer has no weights to show.
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
};

}  // namespace heed
