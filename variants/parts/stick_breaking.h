#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "variants/parts/tiled_softmax.h"

namespace heed {

// Stick-breaking attention over tiles, never with a (Tq,Tk) buffer. Derivation:
// docs/variants/stick_breaking.md.
//
//     z_ij = tau q_i.k_j - slope |i + shift - j|      beta = sigmoid(z)
//     A_ij = beta_ij prod_{l newer than j} (1 - beta_il)      a_i = sum_j m_ij A_ij v_j
//     log r_i = sum_j log(1 - beta_ij) = -sum_j softplus(z_ij)      over the pairs of the tiles
//
// q, k, v, tau, slope, shift and the mask m of dropout are those of a SoftmaxMap. Sums over keys are in
// double: with many keys they are long, and exp makes their absolute error a relative one.

namespace detail {

// One tile (queries, keys).
template <class S>
struct SticksTile {
  Mat<S> log_beta;  // log sigmoid(z); -inf where hidden
  Mat<S> softplus;  // -log(1 - sigmoid(z)); 0 where hidden
  Mat<S> weights;   // A; 0 where hidden
};

// The buffers of a pass, and what is made of a tile in both directions.
template <class S>
struct SticksRoom {
  SticksRoom(const SoftmaxMap<S>& map, Index rows, Index cols, Memory<S>& memory)
      : in(map),
        k(map.k, cols, memory),
        q(tile_room(memory, rows, map.q.cols())),
        log_beta(tile_room(memory, rows, cols)),
        softplus(tile_room(memory, rows, cols)),
        weights(tile_room(memory, rows, cols)) {}

  void begin(const Rows& queries) { load_queries(in, queries, part(q, queries.size, q.cols())); }

  // log_beta = min(z, 0) - log(1 + exp(-|z|))      softplus = max(z, 0) + log(1 + exp(-|z|))
  SticksTile<S> scores(const Rows& queries, const KeyTile& keys) {
    const Index n = queries.size, m = keys.keys.size;
    SticksTile<S> t{part(log_beta, n, m), part(softplus, n, m), part(weights, n, m)};
    k.choose(keys.keys);
    tile_scores(in, queries, keys, part(q, n, q.cols()), k, t.weights);
    for (Index r = 0; r < n; ++r) {
      const TileRow<S> z = row(t.weights, r);
      row(t.softplus, r) = (-z.abs()).exp().log1p();
      row(t.log_beta, r) = z.min(S(0)) - row(t.softplus, r);
      row(t.softplus, r) += z.max(S(0));
    }
    hide(keys, kMinusInfinity<S>, t.log_beta);
    hide(keys, S(0), t.softplus);
    return t;
  }

  // A = exp(log_beta - sum over newer keys of softplus). newer: those sums over the keys after the tile
  void weigh(const KeyTile& keys, std::span<const double> newer, SticksTile<S>& t) const {
    for (Index r = 0; r < t.weights.rows(); ++r) {
      double sum = newer[static_cast<std::size_t>(r)];
      for (Index c = t.weights.cols(); c-- > 0;) {
        t.weights(r, c) = t.log_beta(r, c) - static_cast<S>(sum);
        sum += static_cast<double>(t.softplus(r, c));
      }
      row(t.weights, r) = row(t.weights, r).exp();
    }
    hide(keys, S(0), t.weights);
  }

  const SoftmaxMap<S>& in;
  TurnedRows<S> k;
  Mat<S> q, log_beta, softplus, weights;
};

// sum_r += sign times the sum of row r of softplus
template <class S>
void add_softplus(const SticksTile<S>& t, double sign, std::span<double> sum) {
  for (Index r = 0; r < t.softplus.rows(); ++r)
    for (Index c = 0; c < t.softplus.cols(); ++c)
      sum[static_cast<std::size_t>(r)] += sign * static_cast<double>(t.softplus(r, c));
}

// dp becomes dz. older: rho and the sum of g over the keys before the tile; g of the tile is added.
template <class S>
void sticks_scores_backward(const KeyTile& keys, SticksTile<S>& t, std::span<double> older, Mat<S> dp) {
  for (Index r = 0; r < dp.rows(); ++r) {
    double& sum = older[static_cast<std::size_t>(r)];
    row(t.log_beta, r) = row(t.log_beta, r).exp();
    for (Index c = 0; c < dp.cols(); ++c) {
      const S g = t.weights(r, c) * dp(r, c);
      sum += static_cast<double>(g);
      dp(r, c) = g - t.log_beta(r, c) * static_cast<S>(sum);
    }
  }
  hide(keys, S(0), dp);
}

}  // namespace detail

// Writes all of a (Tq,V) and of log_rest (Tq): log r. Goes from the newest keys to the oldest.
template <class S>
void sticks_forward(const SoftmaxMap<S>& in, const DenseTiles& tiles, Mat<S> a, std::span<double> log_rest,
                    Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  const Index width = in.v.cols();
  detail::SticksRoom<S> room(in, tiles.height(), tiles.width(), memory);
  TileRows<S> v(in.v, tiles.width(), memory);
  const Mat<S> a_room = tile_room(memory, tiles.height(), width);
  const std::span<double> newer = memory.template temp_span<double>(tiles.height());
  for (Index t = 0; t < tiles.count(); ++t) {
    typename Memory<S>::Scope tile_scope(memory);
    const QueryTile tile = tiles.tile(t, memory);
    Mat<S> sum = part(a_room, tile.queries.size, width);
    room.begin(tile.queries);
    sum.setZero();
    std::ranges::fill(newer, 0.0);
    for (std::size_t at = tile.keys.size(); at-- > 0;) {
      const KeyTile& keys = tile.keys[at];
      detail::SticksTile<S> sticks = room.scores(tile.queries, keys);
      room.weigh(keys, newer, sticks);
      detail::add_softplus(sticks, 1, newer);
      if (in.dropout) detail::drop(in.dropout, tile.queries, keys.keys, sticks.weights);
      v.choose(keys.keys);
      add_product_ab(sticks.weights, v.rows(), sum);
    }
    for (Index r = 0; r < tile.queries.size; ++r) {
      a.row(tile.queries[r]).array() = row(sum, r);
      log_rest[static_cast<std::size_t>(tile.queries[r])] = -newer[static_cast<std::size_t>(r)];
    }
  }
}

// Adds into dq, dk and dv. log_rest is what forward wrote; rho (Tq) is r dr, dr the gradient of r. Goes from
// the oldest keys to the newest: then the sums of g are short where A is small.
//     g = m A (do v^T)   dz_ij = g_ij - beta_ij (sum of g_il over l = j and older + rho_i)
//     dv += (m A)^T do   dq += tau dz k   dk += tau dz^T q
template <class S>
void sticks_backward(const SoftmaxMap<S>& in, const DenseTiles& tiles, std::span<const double> log_rest,
                     std::span<const double> rho, In<S> d_o, Mat<S> dq, Mat<S> dk, Mat<S> dv,
                     Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  const Index height = tiles.height(), most = tiles.width(), d = in.q.cols(), width = in.v.cols();
  detail::SticksRoom<S> room(in, height, most, memory);
  TurnedRows<S> v(in.v, most, memory);
  const Mat<S> d_o_room = tile_room(memory, height, width), dq_room = tile_room(memory, height, d);
  const Mat<S> dk_room = tile_room(memory, most, d), dv_room = tile_room(memory, most, width);
  const Mat<S> dz_room = tile_room(memory, height, most);
  const Mat<S> dk_sum = zeros(memory, in.k.rows(), d), dv_sum = zeros(memory, in.v.rows(), width);
  const std::span<double> newer = memory.template temp_span<double>(height);
  const std::span<double> older = memory.template temp_span<double>(height);
  for (Index t = 0; t < tiles.count(); ++t) {
    typename Memory<S>::Scope tile_scope(memory);
    const QueryTile tile = tiles.tile(t, memory);
    const Index n = tile.queries.size;
    const Mat<S> d_o_t = part(d_o_room, n, width);
    Mat<S> dq_t = part(dq_room, n, d);
    room.begin(tile.queries);
    gather<S>(d_o, tile.queries, d_o_t);
    dq_t.setZero();
    for (Index r = 0; r < n; ++r) {
      const auto i = static_cast<std::size_t>(tile.queries[r]), at = static_cast<std::size_t>(r);
      newer[at] = -log_rest[i], older[at] = rho[i];
    }
    for (const KeyTile& keys : tile.keys) {
      const Mat<S> dz = part(dz_room, n, keys.keys.size);
      detail::SticksTile<S> sticks = room.scores(tile.queries, keys);
      detail::add_softplus(sticks, -1, newer);
      room.weigh(keys, newer, sticks);
      if (in.dropout) detail::drop(in.dropout, tile.queries, keys.keys, sticks.weights);
      v.choose(keys.keys);
      v.times_turned(d_o_t, dz);
      add_to_rows<S>(sticks.weights, d_o_t, keys.keys, dv_room, dv_sum);
      detail::sticks_scores_backward(keys, sticks, older, dz);
      add_product_ab(dz, room.k.rows(), dq_t);
      add_to_rows<S>(dz, part(room.q, n, d), keys.keys, dk_room, dk_sum);  // q carries tau
    }
    for (Index r = 0; r < n; ++r) dq.row(tile.queries[r]).array() += in.scale * row(dq_t, r);
  }
  dk += dk_sum;
  dv += dv_sum;
}

// Writes A (Tq,Tk), zero where hidden: the quadratic picture for probes.
template <class S>
void sticks_weights(const SoftmaxMap<S>& in, const DenseTiles& tiles, Mat<S> p, Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  detail::SticksRoom<S> room(in, tiles.height(), tiles.width(), memory);
  const std::span<double> newer = memory.template temp_span<double>(tiles.height());
  p.setZero();
  for (Index t = 0; t < tiles.count(); ++t) {
    typename Memory<S>::Scope tile_scope(memory);
    const QueryTile tile = tiles.tile(t, memory);
    room.begin(tile.queries);
    std::ranges::fill(newer, 0.0);
    for (std::size_t at = tile.keys.size(); at-- > 0;) {
      const KeyTile& keys = tile.keys[at];
      detail::SticksTile<S> sticks = room.scores(tile.queries, keys);
      room.weigh(keys, newer, sticks);
      detail::add_softplus(sticks, 1, newer);
      for (Index r = 0; r < tile.queries.size; ++r)
        for (Index c = 0; c < keys.keys.size; ++c) p(tile.queries[r], keys.keys[c]) = sticks.weights(r, c);
    }
  }
}

}  // namespace heed
