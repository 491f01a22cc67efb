#pragma once

#include "core/layer.h"
#include "core/step.h"
#include "core/views.h"

namespace heed {

// The resolved visibility of one forward pass: lengths are known, so the offset is a number.
struct Mask {
  bool causal = false;
  Index offset = 0;
  bool hides(Index i, Index j) const { return causal && j > i + offset; }
  bool operator==(const Mask&) const = default;
};

inline Mask resolve(const Causality& c, Index tq, Index tk) { return {c.causal, c.offset.value_or(tk - tq)}; }

// Widths of a layer's heads. A head's queries and keys may consist of several maps side by side (differential
// attention has two); positions turn each map by itself.
struct HeadShape {
  Index heads = 1;
  Index key = 0;    // width of a head's queries and keys, all maps together
  Index value = 0;  // width of its values and outputs
  Index maps = 1;
};

// Mixing along time for all heads of a layer at once: (q, k, v) -> o. Shapes: q (B,H,Tq,key), k (B,H,Tk,key),
// v (B,H,Tk,value), o (B,H,Tq,value). backward belongs to the latest forward; q, k, v, o stay in place until
// then.
template <class S>
class HeadKernel {
 public:
  virtual ~HeadKernel() = default;
  virtual const HeadShape& shape() const = 0;
  virtual void forward(Step<S>& step, Heads<const S> q, Heads<const S> k, Heads<const S> v, Heads<S> o) = 0;
  virtual void backward(Step<S>& step, Heads<const S> d_o, Heads<S> dq, Heads<S> dk,
                        Heads<S> dv) = 0;                               // adds
  virtual bool weights(Step<S>& step, Index b, Index h, Mat<S> p) = 0;  // see Layer::weights
  virtual Cost cost(Index tq, Index tk) const = 0;                      // of all heads, without projections
};

}  // namespace heed
