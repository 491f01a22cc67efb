#pragma once

#include "core/step.h"
#include "core/views.h"

namespace heed {

// Linear attention with decay, the core of several recurrent layers. For one head, with keys k_t and values
// v_t as rows, log decays g_t <= 0, and a state s (key,value) that starts at s_0:
//     s_t = e^{g_t} s_{t-1} + k_t^T v_t        o_t = scale q_t s_t
// g_t is one number, or one for each key channel, which then decays by itself (the rows of s).
// docs/variants/decayed.md derives the form in chunks and its gradients.
template <class S>
struct Decayed {
  ConstMat<S> q, k, v;    // (T,key) (T,key) (T,value)
  ConstMat<S> log_decay;  // (T,1) or (T,key); not above 0
  double scale = 1;       // multiplies q
  Index chunk = 64;       // positions per chunk; changes only speed and rounding
  // The sequence goes on elsewhere: forward also returns the state after the last position, and backward
  // begins with its gradient.
  bool continues = false;
};

// Where backward adds. log_decay may have no rows: it gets no gradient.
template <class S>
struct DecayedGrad {
  Mat<S> q, k, v, log_decay;
};

// Writes o (T,value). Returns the states before each chunk, (chunks * key, value), which backward reads, in
// kept memory; with `continues` one more. initial (key,value): s_0; without rows it is zero.
template <class S>
Mat<S> decayed_forward(const Decayed<S>& in, In<S> initial, Mat<S> o, Memory<S>& memory);

// Recomputes everything but the states. d_state (key,value) becomes the gradient of s_0; what it holds before
// is read only with `continues`. Without rows, s_0 is zero and has no gradient.
template <class S>
void decayed_backward(const Decayed<S>& in, Mat<S> states, In<S> d_o, DecayedGrad<S> grad, Mat<S> d_state,
                      Memory<S>& memory);

// The same with s_0 = 0, which has no gradient.
template <class S>
Mat<S> decayed_forward(const Decayed<S>& in, Mat<S> o, Memory<S>& memory) {
  return decayed_forward<S>(in, const_mat<S>(nullptr, 0, 0), o, memory);
}
template <class S>
void decayed_backward(const Decayed<S>& in, Mat<S> states, In<S> d_o, DecayedGrad<S> grad,
                      Memory<S>& memory) {
  decayed_backward<S>(in, states, d_o, grad, mat<S>(nullptr, 0, 0), memory);
}

// The recurrence: one token, rows 0 of `in`, changes the state (key,value) and writes o (1,value). It is the
// decoder, and the reference implementation of the chunks.
template <class S>
void decayed_step(const Decayed<S>& token, Mat<S> state, Mat<S> o);

// p_ij = scale sum_c q_ic k_jc e^{g_{j+1,c} + ... + g_ic} for j <= i, else 0: what o = p v multiplies values
// by if s_0 = 0. Writes all of p (T,T).
template <class S>
void decayed_weights(const Decayed<S>& in, Mat<S> p, Memory<S>& memory);

// FLOPs of matrix products of a forward pass, from s_0 = 0.
double decayed_flops(Index time, Index key, Index value, Index chunk = 64);

}  // namespace heed
