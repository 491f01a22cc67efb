#pragma once

#include <cmath>

#include "core/ops/decayed_attention.h"
#include "variants/parts/packed_tile.h"

namespace heed {

// One head of Mamba-2's state-space layer (Dao & Gu 2024). Inputs x (T,P), step sizes dt (T,1) > 0, B and C
// (T,N):
//     s_t = e^{-e^A_log dt_t} s_{t-1} + B_t^T dt_t x_t        y_t = C_t s_t + D x_t
// That is linear attention with decay, queries C, keys B and values dt x.
template <class S>
struct SsdHead {
  ConstMat<S> x, dt, b, c;
  S a_log, d;
  Index chunk;

  S a() const { return -std::exp(a_log); }
};

template <class S>
struct SsdHeadSaved {
  Mat<S> v, log_decay, states;
};

// Where backward adds.
template <class S>
struct SsdHeadGrad {
  Mat<S> x, dt, b, c;
  S *a_log, *d;
};

template <class S>
Decayed<S> ssd_core(const SsdHead<S>& in, const SsdHeadSaved<S>& saved) {
  return {in.c, in.b, saved.v, saved.log_decay, 1, in.chunk};
}

// Writes y (T,P).
template <class S>
SsdHeadSaved<S> ssd_forward(const SsdHead<S>& in, Mat<S> y, Memory<S>& memory) {
  const Index time = in.x.rows();
  SsdHeadSaved<S> saved{kept_room(memory, time, in.x.cols()), memory.keep(time, 1), y};
  for (Index t = 0; t < time; ++t) {
    row(saved.v, t) = in.x.row(t).array() * in.dt(t, 0);
    saved.log_decay(t, 0) = in.a() * in.dt(t, 0);
  }
  const Mat<S> states = decayed_forward<S>(ssd_core(in, saved), y, memory);
  for (Index t = 0; t < time; ++t) y.row(t) += in.d * in.x.row(t);
  return {saved.v, saved.log_decay, states};
}

// From the gradients dv and dg of values and log decays:
//     dx = dt dv + D dy        d(dt) = dv.x + A dg        dA_log = sum g dg        dD = sum dy.x
template <class S>
void ssd_backward(const SsdHead<S>& in, const SsdHeadSaved<S>& saved, In<S> dy, SsdHeadGrad<S> grad,
                  Memory<S>& memory) {
  const Index time = in.x.rows();
  const Mat<S> dv = zeros(memory, time, in.x.cols()), dg = zeros(memory, time, 1);
  decayed_backward<S>(ssd_core(in, saved), saved.states, dy, {grad.c, grad.b, dv, dg}, memory);
  for (Index t = 0; t < time; ++t) {
    const auto x = in.x.row(t).array();
    grad.x.row(t).array() += row(dv, t) * in.dt(t, 0) + in.d * dy.row(t).array();
    grad.dt(t, 0) += (row(dv, t) * x).sum() + in.a() * dg(t, 0);
    *grad.a_log += saved.log_decay(t, 0) * dg(t, 0);
    *grad.d += (dy.row(t).array() * x).sum();
  }
}

// One token; the state (N,P) is changed.
template <class S>
void ssd_step(const SsdHead<S>& token, Mat<S> state, Mat<S> y, Memory<S>& memory) {
  Mat<S> v = memory.temp(1, token.x.cols()), g = memory.temp(1, 1);
  v = token.dt(0, 0) * token.x;
  g(0, 0) = token.a() * token.dt(0, 0);
  decayed_step<S>({token.c, token.b, v, g, 1, 1}, state, y);
  y += token.d * token.x;
}

}  // namespace heed
