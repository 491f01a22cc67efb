#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "core/dropout.h"
#include "core/head_kernel.h"
#include "core/ops/product.h"
#include "core/step.h"
#include "core/views.h"
#include "variants/parts/block_plan.h"
#include "variants/parts/packed_tile.h"
#include "variants/parts/score_bias.h"
#include "variants/parts/tile_rows.h"
#include "variants/parts/tiles.h"

namespace heed {

// Softmax attention over tiles, never with a (Tq,Tk) buffer. Derivation: docs/variants/softmax.md.
//
//     s_ij = cap(tau q_i.k_j) - slope |i + shift - j| + c_{i + shift} - c_j + b_ij
//     cap(s) = c tanh(s / c)      lse_i = log(exp(sink) + sum_j exp(s_ij))
//     p_ij = exp(s_ij - lse_i)    o_i = sum_j p_ij v_j
//     over the pairs of the tiles
//
// Forward keeps only o and lse (online softmax: Milakov & Gimelshein 2018; tiles: Dao et al. 2022);
// backward makes each tile of p again from lse. A query that sees no key has o = 0, lse = sink (-inf without
// one), no gradient. With dropout, o_i = sum_j m_ij p_ij v_j: normalized weights are dropped, and each tile
// draws its own m_ij, in forward and again in backward.

// What one softmax map reads: q (Tq,D)  k (Tk,D)  v (Tk,V).
template <class S>
struct SoftmaxMap {
  ConstMat<S> q, k, v;
  S scale;          // tau
  S slope = 0;      // ALiBi; 0 for none
  Index shift = 0;  // query i is at i + shift among the keys
  // (Tk) running sums c of what is forgotten, in double: near the diagonal, c_i - c_j is a small difference
  // of large numbers. Null: nothing is forgotten. REQUIRES: each query stands at one of the keys.
  const double* forgotten = nullptr;
  DropoutMask dropout = {};  // m_ij below
  S cap = 0;                 // soft cap of the scores; 0 for none
  // A score without a value, in the denominator of each row; -inf for none.
  S sink = -std::numeric_limits<S>::infinity();
  ScoreBias<S> bias = {};  // b_ij
};

namespace detail {

template <class S>
constexpr S kMinusInfinity = -std::numeric_limits<S>::infinity();

// q = tau times the tile's queries
template <class S>
void load_queries(const SoftmaxMap<S>& in, const Rows& queries, Mat<S> q) {
  gather<S>(in.q, queries, q);
  for (Index r = 0; r < q.rows(); ++r) row(q, r) *= in.scale;
}

// t = tanh(s / c), s = c t
template <class S>
void cap_scores(S cap, Mat<S> s) {
  for (Index r = 0; r < s.rows(); ++r) row(s, r) = cap * (row(s, r) / cap).tanh();
}
// derivative = ds / d(tau q k^T) = (1 - t) (1 + t)
template <class S>
void cap_derivative(S cap, Mat<S> s, Mat<S> derivative) {
  for (Index r = 0; r < s.rows(); ++r) row(derivative, r) = (1 - row(s, r) / cap) * (1 + row(s, r) / cap);
}

// s = cap(q k^T) - slope |i + shift - j| + c_{i + shift} - c_j + b_ij, -inf where hidden. Writes the
// derivative of the cap where it is asked for and there is a cap.
template <class S>
void tile_scores(const SoftmaxMap<S>& in, const Rows& queries, const KeyTile& tile, Mat<S> q,
                 const TurnedRows<S>& k, Mat<S> s, Mat<S>* derivative = nullptr) {
  k.times_turned(q, s);
  if (in.cap != 0) {
    cap_scores(in.cap, s);
    if (derivative) cap_derivative(in.cap, s, *derivative);
  }
  if (in.slope != 0)
    for (Index r = 0; r < s.rows(); ++r)
      for (Index c = 0; c < s.cols(); ++c)
        s(r, c) -= in.slope * static_cast<S>(std::abs(queries[r] + in.shift - tile.keys[c]));
  if (in.forgotten)
    for (Index r = 0; r < s.rows(); ++r)
      for (Index c = 0; c < s.cols(); ++c)
        s(r, c) += static_cast<S>(in.forgotten[queries[r] + in.shift] - in.forgotten[tile.keys[c]]);
  if (in.bias) add_bias(in.bias, queries, in.shift, tile.keys, s);
  hide(tile, kMinusInfinity<S>, s);
}

// p = exp(s - lse) in place; 0 where hidden, by rule (Eigen's exp(-inf) is a tiny number, and where a row
// sees nothing lse is -inf too)
template <class S>
void tile_weights(const KeyTile& tile, TileRow<S> lse, Mat<S> s) {
  for (Index r = 0; r < s.rows(); ++r) row(s, r) = (row(s, r) - lse(r)).exp();
  hide(tile, S(0), s);
}

// s_ij *= m_ij, for the tile's queries i and keys j
template <class S>
void drop(const DropoutMask& mask, const Rows& queries, const Rows& keys, Mat<S> s) {
  for (Index r = 0; r < s.rows(); ++r) {
    TileRow<S> own = row(s, r);
    mask.multiply(queries[r], keys, std::span(own.data(), static_cast<std::size_t>(own.size())));
  }
}

// sum_j -= the column of key j
template <class S>
void subtract_sums(Mat<S> ds, const Rows& keys, double* sum) {
  for (Index r = 0; r < ds.rows(); ++r)
    for (Index c = 0; c < ds.cols(); ++c) sum[keys[c]] -= static_cast<double>(ds(r, c));
}

// One step of the online softmax; s becomes p:
//     m' = max(m, max_j s_ij)   alpha = exp(m - m')   p = exp(s - m')   l = alpha l + sum_j p   a = alpha a
template <class S>
void online_step(const KeyTile& tile, TileRow<S> m, TileRow<S> l, Mat<S> a, Mat<S> s) {
  for (Index r = 0; r < s.rows(); ++r) {
    const S max = std::max(m(r), row(s, r).maxCoeff());
    const S guard = max == kMinusInfinity<S> ? S(0) : max;  // nothing seen yet: (-inf) - (-inf) is NaN
    row(s, r) = (row(s, r) - guard).exp();
    if (max == m(r)) continue;  // alpha = 1
    const S alpha = m(r) == kMinusInfinity<S> ? S(0) : std::exp(m(r) - guard);
    row(a, r) *= alpha;
    l(r) *= alpha;
    m(r) = max;
  }
  hide(tile, S(0), s);
  for (Index r = 0; r < s.rows(); ++r) l(r) += row(s, r).sum();
}

// The row's maximum and sum of exponentials before its first key are those of the sink: m = sink, l = 1.
template <class S>
S sum_before_keys(const SoftmaxMap<S>& in) {
  return in.sink == kMinusInfinity<S> ? S(0) : S(1);
}

}  // namespace detail

// Writes all of o (Tq,V) and lse (1,Tq).
template <class S, class T>
requires Tiles<T, S>
void softmax_forward(const SoftmaxMap<S>& in, const T& tiles, Mat<S> o, Mat<S> lse, Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  const Index height = tiles.height(), most = tiles.width(), d = in.q.cols(), width = in.v.cols();
  const Mat<S> q_room = tile_room(memory, height, d), a_room = tile_room(memory, height, width);
  const Mat<S> s_room = tile_room(memory, height, most);
  TurnedRows<S> k(in.k, most, memory);
  TileRows<S> v(in.v, most, memory);
  TileRow<S> m = row(tile_room(memory, 1, height), 0), l = row(tile_room(memory, 1, height), 0);
  Mat<S> sum = memory.temp(1, in.q.rows());
  // Between its tiles, a query keeps its max in lse, its sum of exponentials in sum, its numerator in o.
  if (!tiles.once()) lse.setConstant(in.sink), sum.setConstant(detail::sum_before_keys(in)), o.setZero();
  const auto finish = [&](Index i) {
    if (lse(0, i) == detail::kMinusInfinity<S>) return;  // sees nothing
    o.row(i) /= sum(0, i);                               // at least 1: the largest term is exp(0)
    lse(0, i) += std::log(sum(0, i));
  };

  for (Index t = 0; t < tiles.count(); ++t) {
    typename Memory<S>::Scope tile_scope(memory);
    const QueryTile tile = tiles.tile(t, memory);
    const Index n = tile.queries.size;
    const Mat<S> q = part(q_room, n, d);
    Mat<S> a = part(a_room, n, width);
    detail::load_queries(in, tile.queries, q);
    if (tiles.once()) {
      m.setConstant(in.sink), l.setConstant(detail::sum_before_keys(in)), a.setZero();
    } else {
      gather<S>(o, tile.queries, a);
      for (Index r = 0; r < n; ++r) m(r) = lse(0, tile.queries[r]), l(r) = sum(0, tile.queries[r]);
    }
    for (const KeyTile& keys : tile.keys) {
      const Mat<S> s = part(s_room, n, keys.keys.size);
      k.choose(keys.keys);
      v.choose(keys.keys);
      detail::tile_scores(in, tile.queries, keys, q, k, s);
      detail::online_step(keys, m, l, a, s);
      if (in.dropout) detail::drop(in.dropout, tile.queries, keys.keys, s);
      add_product_ab(s, v.rows(), a);
    }
    for (Index r = 0; r < n; ++r) {
      lse(0, tile.queries[r]) = m(r), sum(0, tile.queries[r]) = l(r);
      o.row(tile.queries[r]).array() = row(a, r);
      if (tiles.once()) finish(tile.queries[r]);
    }
  }
  for (Index i = 0; i < o.rows() && !tiles.once(); ++i) finish(i);
}

// Adds into dq, dk and dv; o and lse are what forward wrote.
//     D_i = do_i.o_i   dv += (m p)^T do   ds = p (m (do v^T) - D)   e = ds cap'   dq += tau e k
//     dk += tau e^T q
//     dc_j -= sum_i ds_ij, where d_forgotten is given; the sums over j, which c_i would get, are zero. (With
//     a sink they are not. No mixer has both.)
template <class S, class T>
requires Tiles<T, S>
void softmax_backward(const SoftmaxMap<S>& in, const T& tiles, In<S> o, In<S> lse, In<S> d_o, Mat<S> dq,
                      Mat<S> dk, Mat<S> dv, Memory<S>& memory, double* d_forgotten = nullptr) {
  typename Memory<S>::Scope scope(memory);
  const Index height = tiles.height(), most = tiles.width(), d = in.q.cols(), width = in.v.cols();
  const Mat<S> q_room = tile_room(memory, height, d), dq_room = tile_room(memory, height, d);
  const Mat<S> d_o_room = tile_room(memory, height, width);
  const Mat<S> dk_room = tile_room(memory, most, d), dv_room = tile_room(memory, most, width);
  const Mat<S> p_room = tile_room(memory, height, most), ds_room = tile_room(memory, height, most);
  const Mat<S> cap_room = tile_room(memory, in.cap != 0 ? height : 0, most);
  TurnedRows<S> k(in.k, most, memory), v(in.v, most, memory);
  TileRow<S> lse_t = row(tile_room(memory, 1, height), 0), dot = row(tile_room(memory, 1, height), 0);
  // Summed apart and added at the end, in one rounding: backward twice then adds exactly twice.
  const Mat<S> dq_sum = zeros(memory, tiles.once() ? 0 : in.q.rows(), d),
               dk_sum = zeros(memory, in.k.rows(), d);
  const Mat<S> dv_sum = zeros(memory, in.v.rows(), width);

  for (Index t = 0; t < tiles.count(); ++t) {
    typename Memory<S>::Scope tile_scope(memory);
    const QueryTile tile = tiles.tile(t, memory);
    const Index n = tile.queries.size;
    const Mat<S> q_t = part(q_room, n, d), d_o_t = part(d_o_room, n, width);
    Mat<S> dq_t = part(dq_room, n, d);
    detail::load_queries(in, tile.queries, q_t);
    gather<S>(d_o, tile.queries, d_o_t);
    dq_t.setZero();
    for (Index r = 0; r < n; ++r) {
      const Index i = tile.queries[r];
      lse_t(r) = lse(0, i), dot(r) = (row(d_o_t, r) * o.row(i).array()).sum();
    }
    for (const KeyTile& keys : tile.keys) {
      const Mat<S> p = part(p_room, n, keys.keys.size), ds = part(ds_room, n, keys.keys.size);
      Mat<S> cap = part(cap_room, in.cap != 0 ? n : 0, keys.keys.size);
      k.choose(keys.keys);
      v.choose(keys.keys);
      detail::tile_scores(in, tile.queries, keys, q_t, k, p, &cap);
      detail::tile_weights(keys, lse_t, p);
      v.times_turned(d_o_t, ds);  // dp, of the weights that are left
      if (in.dropout) detail::drop(in.dropout, tile.queries, keys.keys, ds);
      for (Index r = 0; r < n; ++r) row(ds, r) = row(p, r) * (row(ds, r) - dot(r));
      if (in.dropout) detail::drop(in.dropout, tile.queries, keys.keys, p);
      add_to_rows<S>(p, d_o_t, keys.keys, dv_room, dv_sum);
      if (d_forgotten) detail::subtract_sums(ds, keys.keys, d_forgotten);
      for (Index r = 0; r < cap.rows(); ++r) row(ds, r) *= row(cap, r);
      add_product_ab(ds, k.rows(), dq_t);
      add_to_rows<S>(ds, q_t, keys.keys, dk_room, dk_sum);  // q_t carries tau
    }
    if (tiles.once())
      for (Index r = 0; r < n; ++r) dq.row(tile.queries[r]).array() += in.scale * row(dq_t, r);
    else
      scatter_add(dq_t, tile.queries, dq_sum);
  }
  if (!tiles.once()) dq += in.scale * dq_sum;
  dk += dk_sum;
  dv += dv_sum;
}

// Returns the gradient of a sink: -sum_i exp(sink - lse_i) D_i. No exponent is above 0, for lse_i >= sink.
template <class S>
S sink_backward(S sink, In<S> o, In<S> lse, In<S> d_o) {
  double sum = 0;
  for (Index i = 0; i < o.rows(); ++i)
    sum -= static_cast<double>(std::exp(sink - lse(0, i)) * d_o.row(i).dot(o.row(i)));
  return static_cast<S>(sum);
}

// p (Tq,Tk), zero where hidden: the quadratic picture for probes.
template <class S, class T>
requires Tiles<T, S>
void softmax_weights(const SoftmaxMap<S>& in, const T& tiles, In<S> lse, Mat<S> p, Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  const Index height = tiles.height(), most = tiles.width(), d = in.q.cols();
  const Mat<S> q_room = tile_room(memory, height, d), s_room = tile_room(memory, height, most);
  TurnedRows<S> k(in.k, most, memory);
  TileRow<S> lse_t = row(tile_room(memory, 1, height), 0);
  p.setZero();
  for (Index t = 0; t < tiles.count(); ++t) {
    typename Memory<S>::Scope tile_scope(memory);
    const QueryTile tile = tiles.tile(t, memory);
    const Mat<S> q = part(q_room, tile.queries.size, d);
    detail::load_queries(in, tile.queries, q);
    for (Index r = 0; r < tile.queries.size; ++r) lse_t(r) = lse(0, tile.queries[r]);
    for (const KeyTile& keys : tile.keys) {
      const Mat<S> s = part(s_room, tile.queries.size, keys.keys.size);
      k.choose(keys.keys);
      detail::tile_scores(in, tile.queries, keys, q, k, s);
      detail::tile_weights(keys, lse_t, s);
      for (Index r = 0; r < s.rows(); ++r)
        for (Index c = 0; c < s.cols(); ++c) p(tile.queries[r], keys.keys[c]) += s(r, c);
    }
  }
}

// Compiled once for the tiles of the tree (tiled_softmax.cpp).
// NOLINTBEGIN(bugprone-macro-parentheses): neither `extern` nor a type can stand in parentheses
#define HEED_TILED_SOFTMAX(prefix, S, T)                                                                     \
  prefix template void softmax_forward(const SoftmaxMap<S>&, const T&, Mat<S>, Mat<S>, Memory<S>&);          \
  prefix template void softmax_backward(const SoftmaxMap<S>&, const T&, In<S>, In<S>, In<S>, Mat<S>, Mat<S>, \
                                        Mat<S>, Memory<S>&, double*);                                        \
  prefix template void softmax_weights(const SoftmaxMap<S>&, const T&, In<S>, Mat<S>, Memory<S>&)
// NOLINTEND(bugprone-macro-parentheses)
HEED_TILED_SOFTMAX(extern, float, BlockPlan);
HEED_TILED_SOFTMAX(extern, double, BlockPlan);
HEED_TILED_SOFTMAX(extern, float, DenseTiles);
HEED_TILED_SOFTMAX(extern, double, DenseTiles);

}  // namespace heed
