#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/layer.h"
#include "core/step.h"
#include "core/views.h"

namespace heed {

// The visibility in one forward pass: Causality with a known offset, because the lengths are known.
struct Mask {
  bool causal = false;
  Index offset = 0;  // query i is at position i + offset among the keys, also without a causal mask
  bool hides(Index i, Index j) const { return causal && j > i + offset; }
  bool operator==(const Mask&) const = default;
};

// Without a causal mask, queries and keys both count from 0.
inline Mask resolve(const Causality& c, Index tq, Index tk) {
  return {c.causal, c.causal ? c.offset.value_or(tk - tq) : 0};
}

// Returns the number of pairs (i, j) of tq queries and tk keys that a mask leaves visible, without a loop.
inline Index visible_pairs(Index tq, Index tk, const Mask& mask) {
  if (!mask.causal) return tq * tk;
  // Query i sees i + offset + 1 keys: none before `first`, all tk from `full` on, and one more each between.
  const Index first = std::clamp<Index>(-mask.offset, 0, tq);
  const Index full = std::clamp<Index>(tk - mask.offset - 1, first, tq);
  const Index growing = full - first;
  return growing * (first + mask.offset + 1) + growing * (growing - 1) / 2 + (tq - full) * tk;
}

// Widths of a layer's heads. A head's queries and keys may consist of several maps side by side (differential
// attention has two); positions rotate each map separately.
struct HeadShape {
  Index heads = 1;
  Index key = 0;    // width of a head's queries and keys, all maps together
  Index value = 0;  // width of its values and outputs
  Index maps = 1;
  Index key_heads = 0;  // heads of keys and values, which divide `heads`; 0: as many as `heads`
  Index query = 0;      // width of a head's queries, if several maps of them read one map of keys; 0: key

  Index query_width() const { return query > 0 ? query : key; }
  Index query_maps() const { return maps * query_width() / key; }
  // Query heads that share a key head: query head h reads key head h / group().
  Index group() const { return key_heads > 0 ? heads / key_heads : 1; }
};

// The sequence that an input of a mixer is projected from: x, as queries are, or the context, as keys are.
enum class Side { query, key };

// Further numbers of a mixer for each token and head, besides q, k and v: a gate, a decay, a step size. The
// layer projects them linearly; the mixer applies activations.
struct MixerInput {
  std::string name;  // of its projection among the parameters: "forget" has forget.weight and forget.bias
  Index width = 1;   // for each head
  Side side = Side::query;
  std::optional<double> bias = {};  // initial value of its bias; nullopt: no bias
  Index rank = 0;  // > 0: W is a product of two matrices with this inner width, shared by the heads
};

// The inputs of a kernel, or their gradients: all heads of all sequences.
template <class S>
struct HeadInputs {
  Heads<S> q, k, v;                 // (B,H,Tq,key) (B,key heads,Tk,key) (B,key heads,Tk,value)
  std::span<const Heads<S>> extra;  // one for each of HeadKernel::inputs(): (B,H,T,width)
  // q before positions rotate it; without data if it is not rotated or the kernel does not read it.
  Heads<S> unrotated_q = {};
};

// Runs a kernel token by token, and keeps of earlier tokens what later ones need. Requires: the kernel that
// made it outlives it.
template <class S>
class HeadDecoder {
 public:
  virtual ~HeadDecoder() = default;
  // Writes the outputs o (B,H,1,value) of one more token; all of `token` has time 1. With a context, keys and
  // values of `token`, and its inputs of the key side, are empty.
  virtual void next(Step<S>& step, const HeadInputs<const S>& token, Heads<S> o) = 0;
  virtual double state_bytes() const = 0;  // see LayerDecoder
};

// Mixing along time for all heads of a layer at once: (q, k, v, further inputs) -> o (B,H,Tq,value). Tq and
// Tk may differ from sequence to sequence. Backward belongs to the latest forward. Requires: inputs and o are
// not moved or changed in between.
template <class S>
class HeadKernel {
 public:
  virtual ~HeadKernel() = default;
  virtual const HeadShape& shape() const = 0;  // key_heads is never 0
  virtual std::span<const MixerInput> inputs() const = 0;
  // QK-norm: normalizes queries and keys before positions rotate them (core/mixer.h). The layer calls it for
  // the queries, then for the keys; x has the heads of that side.
  virtual bool normalizes() const { return false; }
  virtual bool reads_unrotated() const { return false; }  // see HeadInputs::unrotated_q
  virtual void normalize(Step<S>& step, Side side, Heads<const S> x, Heads<S> y) {
    (void)step, (void)side, (void)x, (void)y;
  }
  virtual void normalize_backward(Step<S>& step, Side side, Heads<const S> x, Heads<const S> dy,
                                  Heads<S> dx) {  // adds
    (void)step, (void)side, (void)x, (void)dy, (void)dx;
  }
  virtual void forward(Step<S>& step, const HeadInputs<const S>& in, Heads<S> o) = 0;
  virtual void backward(Step<S>& step, Heads<const S> d_o, const HeadInputs<S>& grad) = 0;  // adds
  // Holds the keys and values of the latest forward: later passes read them where backward treats keys and
  // values as constants (Head::stored_k). Finite differences then have the gradient that backward defines.
  virtual void hold() {}
  virtual bool weights(Step<S>& step, Index b, Index h, Mat<S> p) = 0;  // see Layer::weights
  virtual Cost cost(Index tq, Index tk) const = 0;                      // of all heads, without projections
  virtual std::unique_ptr<HeadDecoder<S>> decoder(Index batch, Index length) = 0;  // see Layer::decoder
  // See Layer::context_decoder. context: k, v and the inputs of the key side; it is not read afterwards
  virtual std::unique_ptr<HeadDecoder<S>> context_decoder(Step<S>& step,
                                                          const HeadInputs<const S>& context) = 0;
};

}  // namespace heed
