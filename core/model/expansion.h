#pragma once

#include <span>

#include "core/ops/linear.h"
#include "core/params.h"
#include "core/step.h"
#include "core/views.h"

namespace heed {

// Expands one vector into a vector for each position (the decoder of MAD's compression task, Poli et al.
// 2024):
//     y_p = W2 gelu(W1 (h + s_p) + b1) + b2
// s_p: the sinusoidal embedding of position p (Vaswani et al. 2017, 3.5). All maps keep the width.
// Parameters: expand.up, expand.down
template <class S>
class Expansion {
 public:
  // length: positions are 0 .. length-1
  Expansion(Index dim, Index length, bool bias, Params<S>& params);

  // Maps h (1,R,C), a row for each position of `positions` (R), to y (1,R,C), which is kept for backward.
  Seq<S> forward(Step<S>& step, Seq<const S> h, std::span<const Index> positions);
  // Replaces dy (1,R,C) by dh, and adds to the gradients.
  void backward(Step<S>& step, Seq<S> dy);

  double flops(Index rows) const { return up_.flops(rows) + down_.flops(rows); }

 private:
  void fill_table();

  Index dim_, length_;
  Linear<S> up_, down_;
  Matrix<S> table_;  // s_p; filled at first use: a model that is only counted needs none
  Seq<S> slope_;     // gelu'(W1 (h + s_p) + b1) of the latest forward
};

extern template class Expansion<float>;
extern template class Expansion<double>;

}  // namespace heed
