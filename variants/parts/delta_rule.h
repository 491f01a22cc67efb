#pragma once

#include "core/ops/decay.h"
#include "variants/parts/packed_tile.h"
#include "variants/parts/triangular.h"

namespace heed {

// The delta rule with decay: one state s (K,V) for each head. A token replaces what the state returns for its
// erase key by what it writes:
//     s~ = e^g s_{t-1}      u = v + s~^T e      s_t = s~ + k u^T      o = s_t^T q
// q is scaled, v is what is written, and e is *minus* the erase key:
//     delta, gated delta, KDA:    v = beta v'    e = -beta k      gated delta 2:    v = w * v'    e = -b * k
// g is 0, a number, or one for each key channel (decay.h). Yang et al. 2024, 2025; docs/variants/delta.md.

// The tokens of a chunk, or their gradients: tiles.
template <class S>
struct DeltaTokens {
  Mat<S> q, k, e, v;  // (n,K) (n,K) (n,K) (n,V)
  Mat<S> g;           // as Decay::room() makes it, or no rows

  Index size() const { return q.rows(); }
};

// One token after the other: the reference implementation, and how a decoder runs.
// x: one token; the state changes in place; o (1,V)
template <class S>
void delta_step(const DeltaTokens<S>& x, Mat<S> state, Mat<S> o, Memory<S>& memory) {
  for (Index c = 0; x.g.rows() > 0 && c < state.rows(); ++c)
    state.row(c) *= std::exp(x.g(0, std::min(c, x.g.cols() - 1)));
  Mat<S> u = tile_room(memory, 1, x.v.cols());
  u = x.v;
  add_product_ab<S>(x.e, state, u);
  add_product_atb<S>(x.k, u, state);
  product_ab<S>(x.q, state, o);
}

// Where a chunk is in its sequence. The state that enters the first chunk is zero and gets no gradient;
// nothing reads the state after the last one. Products with these zeros are left out.
struct ChunkPlace {
  bool first = false, last = false;
};

// What forward and backward of a chunk share. The writes u of all its tokens solve one triangular system:
//     l = <e, k> below the diagonal      (I - l) u = v + (e^G e) s
template <class Decay, class S>
struct DeltaChunk {
  DeltaChunk(const DeltaTokens<S>& x, Mat<S> before, Memory<S>& memory, ChunkPlace where = {})
      : place(where),
        decay(x.g, x.size(), x.k.cols(), memory),
        l(tile_room(memory, x.size(), x.size())),
        p(tile_room(memory, x.size(), x.size())),
        u(tile_room(memory, x.size(), x.v.cols())),
        e(tile_room(memory, x.size(), x.k.cols())),
        q(tile_room(memory, x.size(), x.k.cols())),
        k(tile_room(memory, x.size(), x.k.cols())) {
    decay.pairs(std::array{Pairs<S>{x.e, true, l}, Pairs<S>{x.q, false, p}}, x.k);
    gather<S>(x.v, Rows{nullptr, 0, x.size()}, u);
    if (!place.first) {
      decay.through(x.e, e), decay.through(x.q, q);
      add_product_ab<S>(e, before, u);
    }
    if (!place.last) decay.rest(x.k, k);
    solve_unit_lower<S>(l, u);
  }

  ChunkPlace place;
  Decay decay;
  Mat<S> l, p;  // (n,n) <e, k>, <q, k>
  Mat<S> u;     // (n,V)
  Mat<S> e, q;  // (n,K) e^G e, e^G q: what they read of the state that enters; not set in the first chunk
  Mat<S> k;     // (n,K) e^{G_n - G} k: what is left of what they write; not set in the last chunk
};

// o (n,V) = (e^G q) s + <q, k> u
template <class Decay, class S>
void delta_output(const DeltaChunk<Decay, S>& c, Mat<S> before, Mat<S> o) {
  if (c.place.first) return lower_product_ab<S>(c.p, c.u, o);
  product_ab<S>(c.q, before, o);
  add_lower_product_ab<S>(c.p, c.u, o);
}

// The state after a chunk that is not the last:    s' = e^{G_n} s + (e^{G_n - G} k)^T u
template <class Decay, class S>
void delta_state(const DeltaChunk<Decay, S>& c, Mat<S> before, Mat<S> after) {
  if (c.place.first) return product_atb<S>(c.k, c.u, after);
  c.decay.age(before, after);
  add_product_atb<S>(c.k, c.u, after);
}

// r = ds' comes from the future and becomes ds; after the last chunk it is not read, before the first one not
// written. Writes all of dx.
//     du = (e^{G_n - G} k) r + <q, k>^T do      (I - l)^T dv = du
//     d(e^G q) = do s^T      d(e^G e) = dv s^T      d(e^{G_n - G} k) = u r^T
//     d<q, k> = do u^T       d<e, k> = dv u^T       ds = e^{G_n} r + (e^G q)^T do + (e^G e)^T dv
// Each factor e^{G} multiplies a vector, so the gradient of G follows from those of the vectors:
//     dG = q * dq + e * de - k * dk      dG_n += rows of r * (e^{G_n} s) + sum of (e^{G_n - G} k) * its
//     gradient
template <class Decay, class S>
void delta_backward(const DeltaTokens<S>& x, const DeltaChunk<Decay, S>& c, Mat<S> before, Mat<S> d_o,
                    Mat<S> r, const DeltaTokens<S>& dx, Memory<S>& memory) {
  const Index n = x.size(), key = x.k.cols();
  const auto [first, last] = c.place;
  if (last) {
    lower_product_atb<S>(c.p, d_o, dx.v);
  } else {
    product_ab<S>(c.k, r, dx.v);
    add_lower_product_atb<S>(c.p, d_o, dx.v);
  }
  solve_unit_lower_transposed<S>(c.l, dx.v);

  const Mat<S> read = tile_room(memory, n, key), dp = tile_room(memory, n, n), dl = tile_room(memory, n, n);
  Mat<S> d_end = zeros(memory, 1, key);  // dG_n, besides the sums over tokens
  if (first) {
    whole(dx.q).setZero(), whole(dx.e).setZero();
  } else {
    product_abt<S>(d_o, before, read);
    c.decay.through(read, dx.q);
    product_abt<S>(dx.v, before, read);
    c.decay.through(read, dx.e);
  }
  if (last) {
    whole(dx.k).setZero();
  } else {
    product_abt<S>(c.u, r, read);
    c.decay.rest(read, dx.k);
    for (Index i = 0; i < n; ++i) row(d_end, 0) += row(c.k, i) * row(read, i);
    c.decay.age(r, r);
  }
  lower_product_abt<S>(d_o, c.u, dp);
  lower_product_abt<S>(dx.v, c.u, dl);
  c.decay.pairs_backward(std::array{Pairs<S>{x.e, true, dl, dx.e}, Pairs<S>{x.q, false, dp, dx.q}}, x.k,
                         dx.k);

  if (x.g.rows() > 0) {
    for (Index a = 0; !first && !last && a < key; ++a) d_end(0, a) += (row(r, a) * row(before, a)).sum();
    const Mat<S> dsums = tile_room(memory, n, key);
    for (Index i = 0; i < n; ++i)
      row(dsums, i) = row(x.q, i) * row(dx.q, i) + row(x.e, i) * row(dx.e, i) - row(x.k, i) * row(dx.k, i);
    Decay::steps_backward(dsums, d_end, dx.g);
  }
  if (first) return;
  if (last)
    product_atb<S>(c.q, d_o, r);
  else
    add_product_atb<S>(c.q, d_o, r);
  add_product_atb<S>(c.e, dx.v, r);
}

}  // namespace heed
