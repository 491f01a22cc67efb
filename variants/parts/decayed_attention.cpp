#include "variants/parts/decayed_attention.h"

#include <algorithm>
#include <cmath>

#include "core/ops/product.h"
#include "variants/parts/chunk_decay.h"
#include "variants/parts/packed_tile.h"

namespace heed {
namespace {

Index chunks(Index time, Index chunk) { return (time + chunk - 1) / chunk; }

// One chunk of the inputs, with its decays.
template <class S>
struct Chunk {
  Chunk(const Decayed<S>& in, Index index, Memory<S>& memory)
      : at(index * in.chunk),
        size(std::min(in.chunk, in.q.rows() - at)),
        last(at + size == in.q.rows()),
        q(rows(in.q)),
        k(rows(in.k)),
        v(rows(in.v)),
        scale(static_cast<S>(in.scale)),
        decay(rows(in.log_decay), memory) {}

  template <class M>
  M rows(M all) const {
    return row_block(all, at, size);
  }

  // Tiles: scale e^{G_i} q_i, e^{G_n - G_j} k_j, and the decayed products of pairs
  Mat<S> q_from_start(Memory<S>& memory) const {
    const Mat<S> out = tile_room(memory, size, q.cols());
    decay.from_start(q, scale, out);
    return out;
  }
  Mat<S> k_to_end(Memory<S>& memory) const {
    const Mat<S> out = tile_room(memory, size, k.cols());
    decay.to_end(k, out);
    return out;
  }
  Mat<S> scores(Memory<S>& memory) const {
    const Mat<S> out = tile_room(memory, size, size);
    decay.scores(q, k, scale, out, memory);
    return out;
  }

  Index at, size;
  bool last;
  ConstMat<S> q, k, v;
  S scale;
  ChunkDecay<S> decay;
};

}  // namespace

// With the state s before a chunk of n rows, and the decayed scores P of its pairs:
//     o_i = scale e^{G_i} q_i s + sum_{j <= i} P_ij v_j        s' = e^{G_n} s + sum_j (e^{G_n - G_j} k_j)^T
//     v_j
template <class S>
Mat<S> decayed_forward(const Decayed<S>& in, In<S> initial, Mat<S> o, Memory<S>& memory) {
  const Index key = in.k.cols(), count = chunks(in.q.rows(), in.chunk);
  const Mat<S> states = kept_room(memory, count * key, in.v.cols());
  Mat<S> first = row_block(states, 0, key);
  if (initial.rows() > 0)
    first = initial;
  else
    first.setZero();
  for (Index n = 0; n < count; ++n) {
    typename Memory<S>::Scope scope(memory);
    const Chunk<S> c(in, n, memory);
    const Mat<S> state = row_block(states, n * key, key), out = tile_room(memory, c.size, o.cols());
    product_ab(c.q_from_start(memory), state, out);
    add_product_ab(c.scores(memory), c.v, out);
    for (Index i = 0; i < c.size; ++i) o.row(c.at + i).array() = row(out, i);
    if (c.last) continue;
    const Mat<S> next = row_block(states, (n + 1) * key, key);
    c.decay.over_chunk(state, next);
    add_product_atb(c.k_to_end(memory), c.v, next);
  }
  return states;
}

namespace {

// dG_i = q_i * dq_i - k_i * dk_i without the diagonal, and dG_n += sum over values of ds' * s' for the end of
// the chunk, because e^{G_n} multiplies all of s'. Then dg_t = sum_{i >= t} dG_i; all by channel, or summed
// over them.
template <class S>
void log_decay_backward(const Chunk<S>& c, Mat<S> dq, Mat<S> dk, Mat<S> d_next, Mat<S> next,
                        Mat<S> dlog_decay, Memory<S>& memory) {
  const Index key = dq.cols();
  const bool by_channel = c.decay.by_channel();
  const auto sums_of = memory.template temp_span<double>(key);
  Eigen::Map<Eigen::Array<double, 1, Eigen::Dynamic>> sums(sums_of.data(), key);
  sums.setZero();
  for (Index r = 0; !c.last && r < key; ++r)
    sums[r] = static_cast<double>((row(d_next, r) * row(next, r)).sum());
  for (Index i = c.size - 1; i >= 0; --i) {
    sums += (row(dq, i) * c.q.row(i).array() - row(dk, i) * c.k.row(i).array()).template cast<double>();
    if (by_channel)
      dlog_decay.row(c.at + i).array() += sums.template cast<S>();
    else
      dlog_decay(c.at + i, 0) += static_cast<S>(sums.sum());
  }
}

}  // namespace

// With dP = d_o v^T for j <= i, and the gradient d_next of the state after the chunk:
//     dq_i = scale e^{G_i} s d_o_i + (pairs)      dk_j = e^{G_n - G_j} d_next v_j + (pairs)
//     dv = P^T d_o + (e^{G_n - G_j} k_j) d_next
//     ds = e^{G_n} d_next + sum_i (scale e^{G_i} q_i)^T d_o_i
// Chunks are processed from the last to the first; no temporary is larger than a chunk.
template <class S>
void decayed_backward(const Decayed<S>& in, Mat<S> states, In<S> d_o, DecayedGrad<S> grad, Mat<S> d_state,
                      Memory<S>& memory) {
  const Index key = in.k.cols(), value = in.v.cols(), count = chunks(in.q.rows(), in.chunk);
  const Mat<S> d_next = zeros(memory, key, value);
  for (Index n = count - 1; n >= 0; --n) {
    typename Memory<S>::Scope scope(memory);
    const Chunk<S> c(in, n, memory);
    const Mat<S> state = row_block(states, n * key, key), d_out = tile_room(memory, c.size, value);
    gather<S>(d_o, Rows{nullptr, c.at, c.size}, d_out);
    const Mat<S> dv = tile_room(memory, c.size, value), room = tile_room(memory, c.size, key);
    const Mat<S> dq = tile_room(memory, c.size, key);
    Mat<S> dk = tile_room(memory, c.size, key);
    product_atb(c.scores(memory), d_out, dv);
    product_abt(d_out, state, room);
    c.decay.from_start(room, c.scale, dq);
    if (c.last) {
      dk.setZero();
    } else {
      product_abt(c.v, d_next, room);
      c.decay.to_end(room, dk);
      add_product_ab(c.k_to_end(memory), d_next, dv);
    }
    const Mat<S> dp = tile_room(memory, c.size, c.size);
    product_abt(d_out, c.v, dp);
    Mat<S> diagonal = tile_room(memory, 1, c.size);
    for (Index i = 0; i < c.size; ++i) diagonal(0, i) = c.scale * dp(i, i);
    c.decay.scores_backward(c.q, c.k, c.scale, dp, dq, dk, memory);
    if (grad.log_decay.rows() > 0)
      log_decay_backward(c, dq, dk, d_next, row_block(states, c.last ? 0 : (n + 1) * key, key),
                         grad.log_decay, memory);
    for (Index i = 0; i < c.size; ++i) {
      grad.q.row(c.at + i).array() += row(dq, i) + diagonal(0, i) * c.k.row(i).array();
      grad.k.row(c.at + i).array() += row(dk, i) + diagonal(0, i) * c.q.row(i).array();
      grad.v.row(c.at + i).array() += row(dv, i);
    }
    c.decay.over_chunk(d_next, d_next);
    add_product_atb(c.q_from_start(memory), d_out, d_next);
  }
  d_state = d_next;
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
  const Mat<S> tile = tile_room(memory, p.rows(), p.cols());
  ChunkDecay<S>(in.log_decay, memory).scores(in.q, in.k, static_cast<S>(in.scale), tile, memory);
  p = tile;
}

double decayed_flops(Index time, Index key, Index value, Index chunk, bool by_channel) {
  const auto pairs = [](Index n) {
    const Index triangle = n * (n + 1) / 2;
    return static_cast<double>(triangle);
  };
  double read = 0, scored = 0, written = 0;
  for (Index at = 0; at < time; at += chunk) {
    const Index n = std::min(chunk, time - at), block = ChunkDecay<double>::kBlock, blocks = n / block;
    read += pairs(n);
    scored += pairs(n);
    if (by_channel) scored -= static_cast<double>(blocks) * pairs(block) + pairs(n % block);
    if (at + n < time) written += static_cast<double>(n);
  }
  return 2 * ((static_cast<double>(time) + written) * static_cast<double>(key * value) +
              scored * static_cast<double>(key) + read * static_cast<double>(value));
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
