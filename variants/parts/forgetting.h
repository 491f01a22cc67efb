#pragma once

#include <span>

#include "core/views.h"
#include "variants/parts/sigmoid.h"

namespace heed {

// The pieces of forgetting attention around the softmax kernel, forward beside backward.

// c_t = sum_{u <= t} g_u, in place
inline void sum_up(std::span<double> g) {
  for (std::size_t t = 1; t < g.size(); ++t) g[t] += g[t - 1];
}
// dg_t = sum_{u >= t} dc_u, in place
inline void sum_up_backward(std::span<double> dc) {
  for (std::size_t t = dc.size(); t-- > 1;) dc[t - 1] += dc[t];
}

// Token shift: y_t = a_t x_{t-1} + (1 - a_t) x_t, x_{-1} = 0, a = sigmoid(gate).    x, y (T,D)  gate (T,1)
template <class S>
void shift_tokens(In<S> x, In<S> gate, Mat<S> y) {
  for (Index t = 0; t < x.rows(); ++t) {
    const S a = static_cast<S>(sigmoid(static_cast<double>(gate(t, 0))));
    y.row(t) = (1 - a) * x.row(t);
    if (t > 0) y.row(t) += a * x.row(t - 1);
  }
}
// dx_t += (1 - a_t) dy_t + a_{t+1} dy_{t+1}    dgate_t += dy_t.(x_{t-1} - x_t) a_t (1 - a_t)
template <class S>
void shift_tokens_backward(In<S> x, In<S> gate, In<S> dy, Mat<S> dx, Mat<S> dgate) {
  for (Index t = 0; t < x.rows(); ++t) {
    const S a = static_cast<S>(sigmoid(static_cast<double>(gate(t, 0))));
    S da = -dy.row(t).dot(x.row(t));
    dx.row(t) += (1 - a) * dy.row(t);
    if (t > 0) {
      da += dy.row(t).dot(x.row(t - 1));
      dx.row(t - 1) += a * dy.row(t);
    }
    dgate(t, 0) += da * a * (1 - a);
  }
}

}  // namespace heed
