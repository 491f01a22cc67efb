#pragma once

#include <cmath>

#include "core/step.h"
#include "core/views.h"

namespace heed {

// The heads of Mamba-2's state-space layer that share B and C (Dao & Gu 2024). Each of the H heads has inputs
// x (T,P), step sizes dt (T,1) > 0 and the numbers A_log and D:
//     v_t = dt_t x_t                          g_t = -e^A_log dt_t
//     s_t = e^{g_t} s_{t-1} + B_t^T v_t       y_t = C_t s_t + D x_t
// That is linear attention with decay, queries C, keys B and values v (core/ops/decayed_attention.h). The
// heads are side by side in the columns of x, v, y and s: a product with B or C is one for all heads.
template <class S>
struct SsdGroup {
  ConstMat<S> x, dt, b, c;  // (T,HP) (T,H) (T,N) (T,N)
  ConstMat<S> a_log, d;     // (1,H)
  Index chunk;              // positions per chunk; changes only speed and rounding

  Index time() const { return x.rows(); }
  Index heads() const { return dt.cols(); }
  S a(Index h) const { return -std::exp(a_log(0, h)); }
};

// The columns of head h of x (T,HP).
template <class M>
M of_head(M x, Index h, Index heads) {
  return column_block(x, h * (x.cols() / heads), x.cols() / heads);
}

template <class S>
struct SsdSaved {
  Mat<S> v, step;  // (T,HP), (T,H): e^{g_t}
  Mat<S> states;   // (chunks-1 times N,HP): after each chunk but the last one
};

// Where backward adds.
template <class S>
struct SsdGroupGrad {
  Mat<S> x, dt, b, c, a_log, d;
};

// Writes y (T,HP). Requires: T > 0.
template <class S>
SsdSaved<S> ssd_forward(const SsdGroup<S>& in, Mat<S> y, Memory<S>& memory);

// Recomputes all but what is saved, chunk by chunk from the last one to the first.
template <class S>
void ssd_backward(const SsdGroup<S>& in, const SsdSaved<S>& saved, In<S> dy, SsdGroupGrad<S> grad,
                  Memory<S>& memory);

// The recurrence: one token. The state (N,HP) is changed.
template <class S>
void ssd_step(const SsdGroup<S>& token, Mat<S> state, Mat<S> y, Memory<S>& memory);

}  // namespace heed
