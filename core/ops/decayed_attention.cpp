#include "core/ops/decayed_attention.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/ops/decay.h"
#include "core/ops/lower_products.h"
#include "core/ops/product.h"
#include "core/packed_tile.h"

namespace heed {
namespace {

Index chunks(Index time, Index chunk) { return (time + chunk - 1) / chunk; }

template <class S>
Mat<S> tile_of(In<S> x, Memory<S>& memory) {
  const Mat<S> out = tile_room(memory, x.rows(), x.cols());
  copy_rows<S>(x, out);
  return out;
}

// One chunk of the inputs, with its decays.
template <class Decay, class S>
struct Chunk {
  Chunk(const Decayed<S>& in, Index index, Memory<S>& memory)
      : at(index * in.chunk),
        size(std::min(in.chunk, in.q.rows() - at)),
        last(at + size == in.q.rows() && !in.continues),
        q(tile_of<S>(rows(in.q), memory)),
        k(tile_of<S>(rows(in.k), memory)),
        v(rows(in.v)),
        decay(log_decays(in, memory), size, k.cols(), memory) {
    if (in.scale != 1) whole(q) *= static_cast<S>(in.scale);
  }

  template <class M>
  M rows(M all) const {
    return row_block(all, at, size);
  }

  // Tiles: e^{G_i} q_i, e^{G_n - G_j} k_j, and the decayed products of pairs
  Mat<S> q_from_start(Memory<S>& memory) const {
    const Mat<S> out = tile_room(memory, size, q.cols());
    decay.through(q, out);
    return out;
  }
  Mat<S> k_to_end(Memory<S>& memory) const {
    const Mat<S> out = tile_room(memory, size, k.cols());
    decay.rest(k, out);
    return out;
  }
  Mat<S> scores(Memory<S>& memory) const {
    const Mat<S> out = tile_room(memory, size, size);
    decay.pairs(std::array{Pairs<S>{q, false, out}}, k);
    return out;
  }

  Index at, size;
  bool last;      // no state after it is needed
  Mat<S> q, k;    // tiles; q is scaled
  ConstMat<S> v;  // rows of the input
  Decay decay;

 private:
  Mat<S> log_decays(const Decayed<S>& in, Memory<S>& memory) const {
    const Mat<S> g = Decay::room(memory, size, k.cols());
    copy_rows<S>(rows(in.log_decay), g);
    return g;
  }
};

// With the state s before a chunk of n rows, and the decayed scores P of its pairs:
//     o_i = e^{G_i} q_i s + sum_{j <= i} P_ij v_j        s' = e^{G_n} s + sum_j (e^{G_n - G_j} k_j)^T v_j
template <class Decay, class S>
Mat<S> forward(const Decayed<S>& in, In<S> initial, Mat<S> o, Memory<S>& memory) {
  const Index key = in.k.cols(), count = chunks(in.q.rows(), in.chunk);
  const Mat<S> states = kept_room(memory, (count + (in.continues ? 1 : 0)) * key, in.v.cols());
  Mat<S> first = row_block(states, 0, key);
  if (initial.rows() > 0)
    first = initial;
  else
    first.setZero();
  for (Index n = 0; n < count; ++n) {
    typename Memory<S>::Scope scope(memory);
    const Chunk<Decay, S> c(in, n, memory);
    const bool from_zero = n == 0 && initial.rows() == 0;
    const Mat<S> state = row_block(states, n * key, key), out = row_block(o, c.at, c.size);
    lower_product_ab<S>(c.scores(memory), c.v, out);
    if (!from_zero) add_product_ab<S>(c.q_from_start(memory), state, out);
    if (c.last) continue;
    const Mat<S> next = row_block(states, (n + 1) * key, key);
    if (from_zero) {
      product_atb<S>(c.k_to_end(memory), c.v, next);
    } else {
      c.decay.age(state, next);
      add_product_atb<S>(c.k_to_end(memory), c.v, next);
    }
  }
  return states;
}

// dG_i = q_i * dq_i - k_i * dk_i without the terms j = i, which cancel, and dG_n += sum over values of ds' *
// s' for the end of the chunk, because e^{G_n} multiplies all of s'. Then dg_t = sum_{i >= t} dG_i; all by
// channel, or summed over them.
template <class Decay, class S>
void log_decay_backward(const Chunk<Decay, S>& c, Mat<S> dq, Mat<S> dk, Mat<S> d_next, Mat<S> next,
                        Mat<S> dlog_decay, Memory<S>& memory) {
  const Mat<S> dsums = tile_room(memory, c.size, dq.cols()), dg = Decay::room(memory, c.size, dq.cols());
  Mat<S> d_end = zeros(memory, 1, dq.cols());
  for (Index r = 0; !c.last && r < dq.cols(); ++r) d_end(0, r) = (row(d_next, r) * row(next, r)).sum();
  for (Index i = 0; i < c.size; ++i) row(dsums, i) = row(dq, i) * row(c.q, i) - row(dk, i) * row(c.k, i);
  Decay::steps_backward(dsums, d_end, dg);
  add_rows<S>(dg, c.rows(dlog_decay));
}

// With dP = d_o v^T for j <= i, and the gradient d_next of the state after the chunk:
//     dq_i = e^{G_i} s d_o_i + (pairs)      dk_j = e^{G_n - G_j} d_next v_j + (pairs)
//     dv = P^T d_o + (e^{G_n - G_j} k_j) d_next
//     ds = e^{G_n} d_next + sum_i (e^{G_i} q_i)^T d_o_i
// Here q is scaled, so its gradient is scaled at the end. Chunks are processed from the last to the first; no
// temporary is larger than a chunk.
template <class Decay, class S>
void backward(const Decayed<S>& in, Mat<S> states, In<S> d_o, DecayedGrad<S> grad, Mat<S> d_state,
              Memory<S>& memory) {
  const Index key = in.k.cols(), value = in.v.cols(), count = chunks(in.q.rows(), in.chunk);
  Mat<S> d_next = zeros(memory, key, value);
  if (in.continues) d_next = d_state;
  for (Index n = count - 1; n >= 0; --n) {
    typename Memory<S>::Scope scope(memory);
    const Chunk<Decay, S> c(in, n, memory);
    const bool from_zero = n == 0 && d_state.rows() == 0;
    const Mat<S> state = row_block(states, n * key, key), dv = c.rows(grad.v);
    const ConstMat<S> d_out = c.rows(ConstMat<S>(d_o));
    const Mat<S> dq = zeros(memory, c.size, key), dk = zeros(memory, c.size, key);
    add_lower_product_atb<S>(c.scores(memory), d_out, dv);
    if (!from_zero) {
      product_abt<S>(d_out, state, dq);
      c.decay.through(dq, dq);
    }
    if (!c.last) {
      product_abt<S>(c.v, d_next, dk);
      c.decay.rest(dk, dk);
      add_product_ab<S>(c.k_to_end(memory), d_next, dv);
    }
    Mat<S> dp = tile_room(memory, c.size, c.size);
    lower_product_abt<S>(d_out, c.v, dp);
    TileRow<S> diagonal = row(tile_room(memory, 1, c.size), 0);
    diagonal = dp.diagonal().transpose().array();
    dp.diagonal().setZero();
    c.decay.pairs_backward(std::array{Pairs<S>{c.q, false, dp, dq}}, c.k, dk);
    if (grad.log_decay.rows() > 0)
      log_decay_backward(c, dq, dk, d_next, row_block(states, c.last ? 0 : (n + 1) * key, key),
                         grad.log_decay, memory);
    for (Index i = 0; i < c.size; ++i)
      row(dq, i) += diagonal[i] * row(c.k, i), row(dk, i) += diagonal[i] * row(c.q, i);
    if (in.scale != 1) whole(dq) *= static_cast<S>(in.scale);
    add_rows<S>(dq, c.rows(grad.q));
    add_rows<S>(dk, c.rows(grad.k));
    if (from_zero) return;
    c.decay.age(d_next, d_next);
    add_product_atb<S>(c.q_from_start(memory), d_out, d_next);
  }
  if (d_state.rows() > 0) d_state = d_next;
}

}  // namespace

template <class S>
Mat<S> decayed_forward(const Decayed<S>& in, In<S> initial, Mat<S> o, Memory<S>& memory) {
  return in.log_decay.cols() > 1 ? forward<ChannelDecay<S>, S>(in, initial, o, memory)
                                 : forward<ScalarDecay<S>, S>(in, initial, o, memory);
}

template <class S>
void decayed_backward(const Decayed<S>& in, Mat<S> states, In<S> d_o, DecayedGrad<S> grad, Mat<S> d_state,
                      Memory<S>& memory) {
  if (in.log_decay.cols() > 1)
    backward<ChannelDecay<S>, S>(in, states, d_o, grad, d_state, memory);
  else
    backward<ScalarDecay<S>, S>(in, states, d_o, grad, d_state, memory);
}

template <class S>
void decayed_step(const Decayed<S>& token, Mat<S> state, Mat<S> o) {
  for (Index c = 0; c < state.rows(); ++c)
    state.row(c) *= std::exp(token.log_decay(0, token.log_decay.cols() > 1 ? c : 0));
  add_product_atb(token.k, token.v, state);
  product_ab(token.q, state, o);
  o *= static_cast<S>(token.scale);
}

template <class S>
void decayed_weights(const Decayed<S>& in, Mat<S> p, Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  Decayed<S> whole_sequence = in;
  whole_sequence.chunk = in.q.rows();
  if (in.log_decay.cols() > 1)
    p = Chunk<ChannelDecay<S>, S>(whole_sequence, 0, memory).scores(memory);
  else
    p = Chunk<ScalarDecay<S>, S>(whole_sequence, 0, memory).scores(memory);
}

double decayed_flops(Index time, Index key, Index value, Index chunk) {
  Index pairs = 0, written = time, read = time - std::min(chunk, time);
  for (Index at = 0; at < time; at += chunk) {
    const Index n = std::min(chunk, time - at);
    pairs += n * (n + 1) / 2;
    if (at + n == time) written -= n;
  }
  return 2 *
         (static_cast<double>((read + written) * key * value) + static_cast<double>(pairs * (key + value)));
}

#define HEED_INSTANTIATE(S)                                                                             \
  template Mat<S> decayed_forward(const Decayed<S>&, In<S>, Mat<S>, Memory<S>&);                        \
  template void decayed_backward(const Decayed<S>&, Mat<S>, In<S>, DecayedGrad<S>, Mat<S>, Memory<S>&); \
  template void decayed_step(const Decayed<S>&, Mat<S>, Mat<S>);                                        \
  template void decayed_weights(const Decayed<S>&, Mat<S>, Memory<S>&);
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)
#undef HEED_INSTANTIATE

}  // namespace heed
