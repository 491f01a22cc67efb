#pragma once

#include <algorithm>

#include "core/ops/product.h"
#include "variants/parts/layer_rows.h"
#include "variants/parts/packed_tile.h"

namespace heed {

// One head of TTT-Linear (Sun et al. 2024, section 2): its state is a linear model z = k W + b that learns
// while the sequence is read. For each token it takes one step of gradient descent on
//     l = |e|^2 / 2      e = gain * norm(k W + b) + bias - (v - k)
// where norm is a layer norm. All gradients of a mini-batch of K tokens are taken at the weights that enter
// it, so a mini-batch is a few products. For its tokens i = 1 .. n <= K, with G = dl/dz:
//     W_i = W - t_i sum_{j <= i} eta_j k_j^T G_j      b_i = b - t_i sum_{j <= i} eta_j G_j
//     o_i = q_i + gain * norm(q_i W_i + b_i) + bias
// W_n and b_n enter the next mini-batch. Derivation: docs/variants/test_time_training.md.

constexpr double kTttEps = 1e-6;  // of the norm

template <class S>
struct TttHead {
  ConstMat<S> q, k, v;     // (T,f)
  ConstMat<S> eta;         // (T,1) learning rates
  ConstMat<S> scale;       // (1,K) t, for each place in a mini-batch
  ConstMat<S> w, b;        // (f,f) (1,f) before the first token
  ConstMat<S> gain, bias;  // (1,f) of the norm

  Index mini_batch() const { return scale.cols(); }
  Index mini_batches() const { return (q.rows() + mini_batch() - 1) / mini_batch(); }
};

// Where backward adds; of the shapes above.
template <class S>
struct TttHeadGrad {
  Mat<S> q, k, v, eta, scale, w, b, gain, bias;
};

template <class S>
struct FastWeights {
  Mat<S> w, b;  // (f,f) (1,f)
};

// What enters mini-batch c, among what forward returns.
template <class S>
FastWeights<S> entering(Mat<S> states, Index c) {
  const Index f = states.cols();
  return {row_block(states, c * (f + 1), f), row_block(states, c * (f + 1) + f, 1)};
}

// The gradient of the inner loss, of the tokens from `first` on. Tiles (n,f):
//     z: k W + b, becomes norm(z)      p = gain * e      g = G = norm's backward of p
template <class S>
void ttt_gradient(const TttHead<S>& in, Index first, Mat<S> z, Mat<S> r, Mat<S> e, Mat<S> g) {
  layer_rows<S>(kTttEps, z, r);
  for (Index i = 0; i < z.rows(); ++i) {
    row(e, i) = in.gain.row(0).array() * row(z, i) + in.bias.row(0).array() -
                (in.v.row(first + i).array() - in.k.row(first + i).array());
    row(g, i) = in.gain.row(0).array() * row(e, i);
  }
  layer_rows_backward<S>(z, r, g);
}

// o = q + gain * norm(z) + bias, of the tokens from `first` on; z becomes norm(z)
template <class S>
void ttt_output(const TttHead<S>& in, Index first, Mat<S> z, Mat<S> r, Mat<S> o) {
  layer_rows<S>(kTttEps, z, r);
  for (Index i = 0; i < z.rows(); ++i)
    o.row(first + i).array() =
        in.q.row(first + i).array() + in.gain.row(0).array() * row(z, i) + in.bias.row(0).array();
}

// z += b, to each row
template <class S>
void add_bias(In<S> b, Mat<S> z) {
  for (Index i = 0; i < z.rows(); ++i) row(z, i) += b.row(0).array();
}

// What forward and backward of a mini-batch share (the dual form). With c = q k^T + 1, where the 1 is the
// update of the bias, and m_ij = -t_i eta_j c_ij for j <= i:
//     q W_i + b_i = q W + b + m G
// q and k are rows of one tile, and so are their z: both are multiplied by W at once.
template <class S>
struct TttChunk {
  TttChunk(const TttHead<S>& in, Index from, FastWeights<S> before, Memory<S>& memory)
      : first(from),
        n(std::min(in.mini_batch(), in.q.rows() - from)),
        qk(tile_room(memory, 2 * n, in.q.cols())),
        z(tile_room(memory, 2 * n, in.q.cols())),
        r(memory.temp(2 * n, 1)),
        e(tile_room(memory, n, in.q.cols())),
        g(tile_room(memory, n, in.q.cols())),
        c(tile_room(memory, n, n)),
        m(tile_room(memory, n, n)) {
    gather<S>(in.q, Rows{nullptr, first, n}, q());
    gather<S>(in.k, Rows{nullptr, first, n}, k());
    product_ab<S>(qk, before.w, z);
    add_bias<S>(before.b, z);
    ttt_gradient(in, first, z_of_k(), r_of_k(), e, g);
    product_abt<S>(q(), k(), c);
    whole(c) += 1;
    m.setZero();
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j <= i; ++j) m(i, j) = -in.scale(0, i) * in.eta(first + j, 0) * c(i, j);
    add_product_ab<S>(m, g, z_of_q());
  }

  Mat<S> q() const { return row_block(qk, 0, n); }
  Mat<S> k() const { return row_block(qk, n, n); }
  Mat<S> z_of_q() const { return row_block(z, 0, n); }
  Mat<S> z_of_k() const { return row_block(z, n, n); }
  Mat<S> r_of_q() const { return row_block(r, 0, n); }
  Mat<S> r_of_k() const { return row_block(r, n, n); }

  Index first, n;
  Mat<S> qk, z;  // (2n,f); z of k is normalized, z of q is until ttt_output
  Mat<S> r;      // (2n,1) of the norms
  Mat<S> e, g;   // (n,f)
  Mat<S> c, m;   // (n,n)
};

// The weights after a mini-batch:    W - t_n sum eta_j k_j^T G_j      b - t_n sum eta_j G_j
template <class S>
void ttt_learn(const TttHead<S>& in, const TttChunk<S>& x, FastWeights<S> before, FastWeights<S> after,
               Memory<S>& memory) {
  const Mat<S> step = tile_room(memory, x.n, x.g.cols());
  after.w = before.w, after.b = before.b;
  for (Index j = 0; j < x.n; ++j) {
    const S rate = in.scale(0, x.n - 1) * in.eta(x.first + j, 0);
    row(step, j) = -rate * row(x.g, j);
    after.b.row(0).array() += row(step, j);
  }
  add_product_atb<S>(x.k(), step, after.w);
}

// Writes o (T,f). Returns the weights that enter each mini-batch, (mini-batches * (f + 1), f).
template <class S>
Mat<S> ttt_forward(const TttHead<S>& in, Mat<S> o, Memory<S>& memory) {
  const Index count = in.mini_batches(), f = in.q.cols();
  const Mat<S> states = kept_room(memory, count * (f + 1), f);
  FastWeights<S> start = entering(states, 0);
  start.w = in.w, start.b = in.b;
  for (Index c = 0; c < count; ++c) {
    typename Memory<S>::Scope scope(memory);
    const TttChunk<S> x(in, c * in.mini_batch(), entering(states, c), memory);
    ttt_output(in, x.first, x.z_of_q(), x.r_of_q(), o);
    if (c + 1 < count) ttt_learn(in, x, entering(states, c), entering(states, c + 1), memory);
  }
  return states;
}

// From dg = dL/dG to dz of the keys: the second-order part. With p = gain * e, all means over channels:
//     dp = norm's backward of dg          dzhat = -r (mean(p zhat) dg + mean(dg zhat) p)
//     de = gain * dp                      dzhat += gain * de
//     dz = norm's backward of dzhat - r (dg.G) zhat / f
// dv = -de and dk += de. dg is overwritten.
template <class S>
void ttt_gradient_backward(const TttHead<S>& in, const TttChunk<S>& x, Mat<S> dg, Mat<S> dz, Mat<S> dk,
                           TttHeadGrad<S>& grad) {
  const auto gain = in.gain.row(0).array();
  for (Index i = 0; i < x.n; ++i) {
    const S r = x.r_of_k()(i, 0);
    const TileRow<S> z = row(x.z_of_k(), i), e = row(x.e, i);
    TileRow<S> d = row(dg, i), dzhat = row(dz, i);
    const S along_p = (gain * e * z).mean(), along_d = (d * z).mean();
    const S of_sigma = -r * (d * row(x.g, i)).mean();
    dzhat = -r * (along_p * d + along_d * gain * e);
    layer_row_backward<S>(z, r, d);  // d is dp
    grad.gain.row(0).array() += d * e;
    d *= gain;  // d is de
    grad.gain.row(0).array() += d * z;
    grad.bias.row(0).array() += d;
    grad.v.row(x.first + i).array() -= d;
    row(dk, i) += d;
    dzhat += gain * d;
    layer_row_backward<S>(z, r, dzhat);
    dzhat += of_sigma * z;
  }
}

// Through m, whose gradient dm is that of j <= i:
//     dc_ij = -dm_ij t_i eta_j      dt_i -= sum_j dm_ij eta_j c_ij      deta_j -= sum_i dm_ij t_i c_ij
// dm becomes dc.
template <class S>
void ttt_pairs_backward(const TttHead<S>& in, const TttChunk<S>& x, Mat<S> dm, TttHeadGrad<S>& grad) {
  for (Index i = 0; i < x.n; ++i) {
    const S t = in.scale(0, i);
    for (Index j = 0; j <= i; ++j) {
      const S eta = in.eta(x.first + j, 0), d = dm(i, j) * x.c(i, j);
      grad.scale(0, i) -= d * eta;
      grad.eta(x.first + j, 0) -= d * t;
      dm(i, j) *= -t * eta;
    }
    for (Index j = i + 1; j < x.n; ++j) dm(i, j) = 0;
  }
}

// Through what a mini-batch learns. With dW', db' of the weights after it, a = k dW' + db' and the rate
// t_n eta_j of token j:
//     dG_j -= rate_j a_j      dk_j -= rate_j G_j dW'^T      deta_j -= t_n a_j.G_j      dt_n -= eta_j a_j.G_j
template <class S>
void ttt_learn_backward(const TttHead<S>& in, const TttChunk<S>& x, FastWeights<S> dafter, Mat<S> dg,
                        Mat<S> dk, TttHeadGrad<S>& grad, Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  const Mat<S> a = tile_room(memory, x.n, dg.cols()), through = tile_room(memory, x.n, dg.cols());
  product_ab<S>(x.k(), dafter.w, a);
  add_bias<S>(dafter.b, a);
  product_abt<S>(x.g, dafter.w, through);
  const S t = in.scale(0, x.n - 1);
  for (Index j = 0; j < x.n; ++j) {
    const S eta = in.eta(x.first + j, 0), dot = (row(a, j) * row(x.g, j)).sum();
    grad.eta(x.first + j, 0) -= t * dot;
    grad.scale(0, x.n - 1) -= eta * dot;
    row(dg, j) -= t * eta * row(a, j);
    row(dk, j) -= t * eta * row(through, j);
  }
}

// d: of the weights after the mini-batch, becomes that of the weights before it. The steps of TttChunk and
// ttt_output, reversed.
template <class S>
void ttt_chunk_backward(const TttHead<S>& in, const TttChunk<S>& x, FastWeights<S> before, In<S> d_o,
                        FastWeights<S> d, TttHeadGrad<S>& grad, Memory<S>& memory) {
  const Index n = x.n, f = x.qk.cols();
  const Mat<S> dqk = tile_room(memory, 2 * n, f), dz = tile_room(memory, 2 * n, f),
               dg = tile_room(memory, n, f), dm = tile_room(memory, n, n);
  const Mat<S> dq = row_block(dqk, 0, n), dk = row_block(dqk, n, n), dz_of_q = row_block(dz, 0, n);
  for (Index i = 0; i < n; ++i) {
    const auto dy = d_o.row(x.first + i).array();
    grad.gain.row(0).array() += dy * row(x.z_of_q(), i);
    grad.bias.row(0).array() += dy;
    row(dz_of_q, i) = in.gain.row(0).array() * dy;
  }
  layer_rows_backward<S>(x.z_of_q(), x.r_of_q(), dz_of_q);
  product_abt<S>(dz_of_q, x.g, dm);
  product_atb<S>(x.m, dz_of_q, dg);
  ttt_pairs_backward(in, x, dm, grad);
  product_ab<S>(dm, x.k(), dq);
  product_atb<S>(dm, x.q(), dk);
  ttt_learn_backward(in, x, d, dg, dk, grad, memory);
  ttt_gradient_backward(in, x, dg, row_block(dz, n, n), dk, grad);
  add_product_abt<S>(dz, before.w, dqk);
  add_product_atb<S>(x.qk, dz, d.w);
  for (Index i = 0; i < 2 * n; ++i) d.b.row(0).array() += row(dz, i);
  for (Index i = 0; i < n; ++i) row(dq, i) += d_o.row(x.first + i).array();
  scatter_add(dq, Rows{nullptr, x.first, n}, grad.q);
  scatter_add(dk, Rows{nullptr, x.first, n}, grad.k);
}

// Mini-batches from the last to the first. states: what forward returned.
template <class S>
void ttt_backward(const TttHead<S>& in, Mat<S> states, In<S> d_o, TttHeadGrad<S>& grad, Memory<S>& memory) {
  const Index f = in.q.cols();
  const FastWeights<S> d{zeros(memory, f, f), zeros(memory, 1, f)};
  for (Index c = in.mini_batches() - 1; c >= 0; --c) {
    typename Memory<S>::Scope scope(memory);
    const TttChunk<S> x(in, c * in.mini_batch(), entering(states, c), memory);
    layer_rows<S>(kTttEps, x.z_of_q(), x.r_of_q());
    ttt_chunk_backward(in, x, entering(states, c), d_o, d, grad, memory);
  }
  Mat<S> dw = grad.w, db = grad.b;
  dw += d.w, db += d.b;
}

// What a decoder keeps of a head: the weights that entered the mini-batch, and the sums of eta k^T G and
// eta G of its tokens so far.
template <class S>
struct TttState {
  static Index size(Index f) { return 2 * (f * f + f); }
  TttState(S* at, Index f)
      : weights{mat(at, f, f), mat(at + f * f, 1, f)},
        sums{mat(at + f * f + f, f, f), mat(at + 2 * f * f + f, 1, f)} {}

  void start(const TttHead<S>& in) {
    weights.w = in.w, weights.b = in.b;
    sums.w.setZero(), sums.b.setZero();
  }

  FastWeights<S> weights, sums;
};

// One token, at this place in its mini-batch, by the definition (the primal form). The state is changed.
template <class S>
void ttt_step(const TttHead<S>& in, Index place, TttState<S>& state, Mat<S> o, Memory<S>& memory) {
  const Index f = in.q.cols();
  const auto tile = [&] { return tile_room(memory, 1, f); };
  const Mat<S> z = tile(), e = tile(), g = tile(), learned = tile(), r = memory.temp(1, 1);
  product_ab<S>(in.k, state.weights.w, z);
  add_bias<S>(state.weights.b, z);
  ttt_gradient(in, 0, z, r, e, g);
  row(g, 0) *= in.eta(0, 0);
  add_product_atb<S>(in.k, g, state.sums.w);
  state.sums.b.row(0).array() += row(g, 0);

  const S t = in.scale(0, place);
  product_ab<S>(in.q, state.weights.w, z);
  add_bias<S>(state.weights.b, z);
  product_ab<S>(in.q, state.sums.w, learned);
  add_bias<S>(state.sums.b, learned);
  row(z, 0) -= t * row(learned, 0);
  ttt_output(in, 0, z, r, o);
  if (place + 1 < in.mini_batch()) return;
  state.weights.w -= t * state.sums.w;
  state.weights.b -= t * state.sums.b;
  state.sums.w.setZero(), state.sums.b.setZero();
}

// Of the forward pass over T tokens: q W, k W and what all but the last mini-batch learn, and two products
// over all pairs of each mini-batch.
inline double ttt_flops(Index time, Index f, Index mini_batch) {
  Index rows = 0, pairs = 0;
  for (Index at = 0; at < time; at += mini_batch) {
    const Index n = std::min(mini_batch, time - at);
    rows += at + n < time ? 3 * n : 2 * n;
    pairs += n * n;
  }
  return 2 * static_cast<double>(rows * f * f + 2 * pairs * f);
}

}  // namespace heed
