#pragma once

#include <span>

#include "variants/parts/tiled_softmax.h"

namespace heed {

// Backward of o_i = o_1i - lambda_i o_2i, two softmax maps over the same values, in one pass over keys and
// values: the products with v and with do, twice as wide as those with q and k, are made once instead of
// twice. (Forward has nothing to share: p_1 - lambda p_2 is known only when both rows have been summed.) Two
// calls of softmax_backward are its reference implementation. M_m is the mask of dropout, 1 without.
//
//     D_m = do.o_m   dp = do v^T   ds_1 = p_1 (M_1 dp - D_1)   ds_2 = -lambda p_2 (M_2 dp - D_2)
//     dv += (M_1 p_1 - lambda M_2 p_2)^T do   dq_m += tau ds_m k_m   dk_m += tau ds_m^T q_m
template <class S>
struct SoftmaxPairMap {
  SoftmaxMap<S> in;
  ConstMat<S> o, lse;  // results of forward
  Mat<S> dq, dk;       // added to
};

namespace detail {

// One map's buffers for a tile, and its sums.
template <class S>
struct SoftmaxPairSide {
  // lambda: of each query, for the map that is subtracted; empty for the other
  SoftmaxPairSide(const SoftmaxPairMap<S>& m, std::span<const S> lambda, Index rows, Index cols,
                  Memory<S>& room)
      : map(m),
        lambda_of_query(lambda),
        k(m.in.k, cols, room),
        q(tile_room(room, rows, m.in.q.cols())),
        dq(tile_room(room, rows, m.in.q.cols())),
        dk_room(tile_room(room, cols, m.in.q.cols())),
        p(tile_room(room, rows, cols)),
        ds(tile_room(room, rows, cols)),
        dk_sum(zeros(room, m.in.k.rows(), m.in.k.cols())),
        dq_sum(zeros(room, m.in.q.rows(), m.in.q.cols())),
        lse(row(tile_room(room, 1, rows), 0)),
        dot(row(tile_room(room, 1, rows), 0)) {}

  void begin(const Rows& queries, Mat<S> d_o_t) {
    const Index n = queries.size, d = map.in.q.cols();
    detail::load_queries(map.in, queries, part(q, n, d));
    part(dq, n, d).setZero();
    for (Index r = 0; r < n; ++r)
      lse(r) = map.lse(0, queries[r]), dot(r) = (row(d_o_t, r) * map.o.row(queries[r]).array()).sum();
  }
  void weigh(const Rows& queries, const KeyTile& keys) {
    const Mat<S> p_t = part(p, queries.size, keys.keys.size);
    k.choose(keys.keys);
    detail::tile_scores(map.in, queries, keys, part(q, queries.size, map.in.q.cols()), k, p_t);
    detail::tile_weights(keys, lse, p_t);
  }
  // m x, made in `room`; x itself without dropout
  Mat<S> dropped(const Rows& queries, const KeyTile& keys, Mat<S> x, Mat<S> room) const {
    if (!map.in.dropout) return x;
    for (Index r = 0; r < x.rows(); ++r) row(room, r) = row(x, r);
    detail::drop(map.in.dropout, queries, keys.keys, room);
    return room;
  }
  void pass_on(const Rows& queries, const KeyTile& keys, Mat<S> dp) {
    const Index n = queries.size, d = map.in.q.cols();
    const Mat<S> p_t = part(p, n, keys.keys.size), ds_t = part(ds, n, keys.keys.size);
    const Mat<S> own = dropped(queries, keys, dp, ds_t);
    for (Index r = 0; r < n; ++r) row(ds_t, r) = factor(queries[r]) * row(p_t, r) * (row(own, r) - dot(r));
    add_product_ab(ds_t, k.rows(), part(dq, n, d));
    add_to_rows<S>(ds_t, part(q, n, d), keys.keys, dk_room, dk_sum);  // q carries tau
  }
  S factor(Index i) const {
    return lambda_of_query.empty() ? S(1) : -lambda_of_query[static_cast<std::size_t>(i)];
  }
  void end(const Rows& queries) { scatter_add(part(dq, queries.size, map.in.q.cols()), queries, dq_sum); }
  void finish() const {
    Mat<S> to_q = map.dq, to_k = map.dk;
    to_q += map.in.scale * dq_sum;
    to_k += dk_sum;
  }

  const SoftmaxPairMap<S>& map;
  std::span<const S> lambda_of_query;
  TurnedRows<S> k;
  Mat<S> q, dq, dk_room, p, ds, dk_sum, dq_sum;
  TileRow<S> lse, dot;
};

}  // namespace detail

// Adds into dq and dk of both maps, which may share dk, and into dv. lambda: of each query.
template <class S>
void softmax_pair_backward(const SoftmaxPairMap<S>& one, const SoftmaxPairMap<S>& two,
                           std::span<const S> lambda, const DenseTiles& tiles, In<S> d_o, Mat<S> dv,
                           Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  const Index height = tiles.height(), most = tiles.width(), width = one.in.v.cols();

  detail::SoftmaxPairSide<S> a(one, {}, height, most, memory), b(two, lambda, height, most, memory);
  const Mat<S> d_o_room = tile_room(memory, height, width), dv_room = tile_room(memory, most, width);
  const Mat<S> dp_room = tile_room(memory, height, most), u_room = tile_room(memory, height, most);
  TurnedRows<S> v(one.in.v, most, memory);
  const Mat<S> dv_sum = zeros(memory, one.in.v.rows(), width);

  for (Index t = 0; t < tiles.count(); ++t) {
    typename Memory<S>::Scope tile_scope(memory);
    const QueryTile tile = tiles.tile(t, memory);
    const Index n = tile.queries.size;
    const Mat<S> d_o_t = part(d_o_room, n, width);
    gather<S>(d_o, tile.queries, d_o_t);
    a.begin(tile.queries, d_o_t), b.begin(tile.queries, d_o_t);
    for (const KeyTile& keys : tile.keys) {
      const Mat<S> dp = part(dp_room, n, keys.keys.size), u = part(u_room, n, keys.keys.size);
      v.choose(keys.keys);
      a.weigh(tile.queries, keys), b.weigh(tile.queries, keys);
      const Mat<S> p_1 = a.dropped(tile.queries, keys, part(a.p, n, keys.keys.size), u);
      const Mat<S> p_2 = b.dropped(tile.queries, keys, part(b.p, n, keys.keys.size), dp);
      for (Index r = 0; r < n; ++r) row(u, r) = row(p_1, r) + b.factor(tile.queries[r]) * row(p_2, r);
      add_to_rows<S>(u, d_o_t, keys.keys, dv_room, dv_sum);
      v.times_turned(d_o_t, dp);
      a.pass_on(tile.queries, keys, dp), b.pass_on(tile.queries, keys, dp);
    }
    a.end(tile.queries), b.end(tile.queries);
  }
  a.finish(), b.finish();
  dv += dv_sum;
}

}  // namespace heed
