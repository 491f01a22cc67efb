#include "variants/parts/ssd_group.h"

#include <algorithm>

#include "core/ops/lower_products.h"
#include "core/ops/product.h"
#include "core/packed_tile.h"

namespace heed {
namespace {

Index chunks_of(Index time, Index chunk) { return (time + chunk - 1) / chunk; }

// A chunk of n tokens. With G the running sum of g over it, and the states s before and s' after it:
//     y_i = e^{G_i} C_i s + sum_{j <= i} P_ij v_j      P_ij = C_i.B_j e^{G_i - G_j}
//     s' = e^{G_n} s + sum_j B_j^T (e^{G_n - G_j} v_j)
// Only the exponentials differ between heads. They are products of steps e^g (decay.h explains why).
template <class S>
class Chunk {
 public:
  Chunk(const SsdGroup<S>& in, const SsdSaved<S>& saved, Index index, Memory<S>& memory)
      : at(index * in.chunk),
        size(std::min(in.chunk, in.time() - at)),
        heads(in.heads()),
        first(index == 0),
        last(at + size == in.time()),
        b(tile_room(memory, size, in.b.cols())),
        c(tile_room(memory, size, in.c.cols())),
        scores(tile_room(memory, size, size)),
        v(rows(saved.v)),
        before(state(saved, index - 1, in.b.cols())),
        after(state(saved, index, in.b.cols())),
        step_(rows(saved.step)),
        start_(tile_room(memory, size, heads)),
        end_(tile_room(memory, size, heads)),
        decay_(tile_room(memory, 1, size)) {
    copy_rows<S>(rows(in.b), b);
    copy_rows<S>(rows(in.c), c);
    lower_product_abt<S>(c, b, scores);
    for (Index i = 0; i < size; ++i) {
      start_.row(i) = step_.row(i);
      if (i > 0) start_.row(i).array() *= start_.row(i - 1).array();
    }
    end_.row(size - 1).setOnes();
    for (Index i = size - 1; i-- > 0;) end_.row(i) = step_.row(i + 1).cwiseProduct(end_.row(i + 1));
  }

  template <class M>
  M rows(M all) const {
    return row_block(all, at, size);
  }
  template <class M>
  M head(M x, Index h) const {
    return of_head(x, h, heads);
  }

  // y_i = e^{G_i} x_i and y_i = e^{G_n - G_i} x_i, which are their own derivatives.    x, y (n,HP)
  void from_start(In<S> x, Mat<S> y) const { multiply(start_, x, y); }
  void to_end(In<S> x, Mat<S> y) const { multiply(end_, x, y); }
  // to = e^{G_n} from, (N,HP); may be the same
  void age(Mat<S> from, Mat<S> to) const {
    for (Index h = 0; h < heads; ++h) head(to, h) = start_(size - 1, h) * head(from, h);
  }
  // Calls f(i, decay) for each token i, with decay_j = e^{G_i - G_j} for j <= i, else 0.
  template <class F>
  void for_decays(Index h, F f) const {
    TileRow<S> decay = row(decay_, 0);
    decay.setZero();
    for (Index i = 0; i < size; ++i) {
      decay *= step_(i, h);
      decay(i) = 1;
      f(i, decay);
    }
  }

  Index at, size, heads;
  bool first, last;
  Mat<S> b, c;           // (n,N), tiles
  Mat<S> scores;         // (n,n): C B^T up to the diagonal
  Mat<S> v;              // (n,HP)
  Mat<S> before, after;  // (N,HP): states; the first chunk has none before, the last one none after

 private:
  static Mat<S> state(const SsdSaved<S>& saved, Index index, Index n) {
    const bool kept = index >= 0 && (index + 1) * n <= saved.states.rows();
    return row_block(saved.states, kept ? index * n : 0, kept ? n : 0);
  }
  void multiply(Mat<S> factor, In<S> x, Mat<S> y) const {
    for (Index h = 0; h < heads; ++h) {
      const ConstMat<S> from = head(x, h);
      Mat<S> to = head(y, h);
      for (Index i = 0; i < size; ++i) to.row(i) = factor(i, h) * from.row(i);
    }
  }

  Mat<S> step_;         // (n,H): e^{g_i}
  Mat<S> start_, end_;  // (n,H): e^{G_i}, e^{G_n - G_i}
  Mat<S> decay_;        // (1,n)
};

// With the gradient d_next of s':
//     dv_j = e^{G_n - G_j} B_j d_next      dB = (e^{G_n - G_j} v_j) d_next^T
//     dG_j = -v_j.dv_j      dG_n gets sum d_next * s' more, because e^{G_n} multiplies all of s'
template <class S>
void write_backward(const Chunk<S>& chunk, Mat<S> d_next, Mat<S> dv, Mat<S> db, Mat<S> dsums,
                    Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  const Mat<S> left = tile_room(memory, chunk.size, dv.cols());
  product_ab<S>(chunk.b, d_next, dv);
  chunk.to_end(dv, dv);
  chunk.to_end(chunk.v, left);
  product_abt<S>(left, d_next, db);
  for (Index h = 0; h < chunk.heads; ++h) {
    const Mat<S> v = chunk.head(chunk.v, h), dv_h = chunk.head(dv, h);
    for (Index j = 0; j < chunk.size; ++j) dsums(j, h) -= v.row(j).dot(dv_h.row(j));
    dsums(chunk.size - 1, h) += chunk.head(d_next, h).cwiseProduct(chunk.head(chunk.after, h)).sum();
  }
}

// With dP = dy v^T for j <= i:
//     dv += P^T dy      dC += W B      dB += W^T C      W_ij = sum over heads of dP_ij e^{G_i - G_j}
//     dG_i += sum_{j < i} dP_ij P_ij - sum_{j > i} dP_ji P_ji
template <class S>
void pairs_backward(const Chunk<S>& chunk, In<S> dy, Mat<S> dv, Mat<S> db, Mat<S> dc, Mat<S> dsums,
                    Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  const Index n = chunk.size;
  const Mat<S> p = tile_room(memory, n, n), dp = tile_room(memory, n, n), w = zeros(memory, n, n);
  TileRow<S> products = row(tile_room(memory, 1, n), 0), column_sums = row(tile_room(memory, 1, n), 0);
  for (Index h = 0; h < chunk.heads; ++h) {
    const ConstMat<S> dy_h = chunk.head(dy, h);
    lower_product_abt<S>(dy_h, chunk.head(chunk.v, h), dp);
    column_sums.setZero();
    chunk.for_decays(h, [&](Index i, const TileRow<S>& decay) {
      row(p, i) = decay * row(chunk.scores, i);
      row(w, i) += decay * row(dp, i);
      products = row(p, i) * row(dp, i);
      products(i) = 0;
      dsums(i, h) += products.sum();
      column_sums += products;
    });
    dsums.col(h) -= column_sums.matrix().transpose();
    add_lower_product_atb<S>(p, dy_h, chunk.head(dv, h));
  }
  add_lower_product_ab<S>(w, chunk.b, dc);
  add_lower_product_atb<S>(w, chunk.c, db);
}

// d_next becomes ds, the gradient of the state before the chunk:
//     dC_i = sum over heads of (e^{G_i} dy_i) s^T      dG_i += C_i.dC_i of the head
//     ds = e^{G_n} d_next + sum_i C_i^T (e^{G_i} dy_i)
template <class S>
void read_backward(const Chunk<S>& chunk, In<S> dy, Mat<S> d_next, Mat<S> dc, Mat<S> dsums,
                   Memory<S>& memory) {
  typename Memory<S>::Scope scope(memory);
  const Mat<S> dread = tile_room(memory, chunk.size, dy.cols());
  const Mat<S> own = tile_room(memory, chunk.size, dc.cols());
  chunk.from_start(dy, dread);
  for (Index h = 0; h < chunk.heads; ++h) {
    product_abt<S>(chunk.head(dread, h), chunk.head(chunk.before, h), own);
    for (Index i = 0; i < chunk.size; ++i) {
      dsums(i, h) += (row(own, i) * row(chunk.c, i)).sum();
      row(dc, i) += row(own, i);
    }
  }
  chunk.age(d_next, d_next);
  add_product_atb<S>(chunk.c, dread, d_next);
}

// From dv, and dG, which becomes dg_t = sum_{i >= t} dG_i:
//     dx = dt dv + D dy      d(dt) = dv.x + A dg      dA_log = sum g dg      dD = sum dy.x      A = -e^A_log
template <class S>
void inputs_backward(const SsdGroup<S>& in, const Chunk<S>& chunk, In<S> dy, Mat<S> dv, Mat<S> dsums,
                     SsdGroupGrad<S> grad) {
  for (Index i = chunk.size; i-- > 1;) dsums.row(i - 1) += dsums.row(i);
  const ConstMat<S> dt = chunk.rows(in.dt);
  Mat<S> ddt = chunk.rows(grad.dt);
  for (Index h = 0; h < chunk.heads; ++h) {
    const ConstMat<S> x = chunk.head(chunk.rows(in.x), h), dy_h = chunk.head(dy, h);
    const Mat<S> dv_h = chunk.head(dv, h);
    Mat<S> dx = chunk.head(chunk.rows(grad.x), h);
    const S a = in.a(h), d = in.d(0, h);
    for (Index i = 0; i < chunk.size; ++i) {
      dx.row(i) += dt(i, h) * dv_h.row(i) + d * dy_h.row(i);
      ddt(i, h) += dv_h.row(i).dot(x.row(i)) + a * dsums(i, h);
      grad.a_log(0, h) += a * dt(i, h) * dsums(i, h);
      grad.d(0, h) += dy_h.row(i).dot(x.row(i));
    }
  }
}

// Allocates what forward saves, and writes v and the steps.
template <class S>
SsdSaved<S> saved_room(const SsdGroup<S>& in, Memory<S>& memory) {
  const Index time = in.time(), heads = in.heads(), chunks = chunks_of(time, in.chunk);
  SsdSaved<S> saved{kept_room(memory, time, in.x.cols()), memory.keep(time, heads),
                    kept_room(memory, (chunks - 1) * in.b.cols(), in.x.cols())};
  for (Index h = 0; h < heads; ++h) {
    const ConstMat<S> x = of_head(in.x, h, heads);
    Mat<S> v = of_head(saved.v, h, heads);
    for (Index t = 0; t < time; ++t) {
      v.row(t) = in.dt(t, h) * x.row(t);
      saved.step(t, h) = std::exp(in.a(h) * in.dt(t, h));
    }
  }
  return saved;
}
}  // namespace

template <class S>
SsdSaved<S> ssd_forward(const SsdGroup<S>& in, Mat<S> y, Memory<S>& memory) {
  SsdSaved<S> saved = saved_room(in, memory);
  for (Index n = 0; n < chunks_of(in.time(), in.chunk); ++n) {
    typename Memory<S>::Scope scope(memory);
    const Chunk<S> chunk(in, saved, n, memory);
    const ConstMat<S> x = chunk.rows(in.x);
    const Mat<S> out = chunk.rows(y), p = tile_room(memory, chunk.size, chunk.size);
    if (chunk.first) {
      Mat<S>(out).setZero();
    } else {
      product_ab<S>(chunk.c, chunk.before, out);
      chunk.from_start(out, out);
    }
    for (Index h = 0; h < chunk.heads; ++h) {
      Mat<S> own = chunk.head(out, h);
      chunk.for_decays(h,
                       [&](Index i, const TileRow<S>& decay) { row(p, i) = decay * row(chunk.scores, i); });
      add_lower_product_ab<S>(p, chunk.head(chunk.v, h), own);
      for (Index i = 0; i < chunk.size; ++i) own.row(i) += in.d(0, h) * chunk.head(x, h).row(i);
    }
    if (chunk.last) continue;
    const Mat<S> left = tile_room(memory, chunk.size, y.cols());
    chunk.to_end(chunk.v, left);
    if (chunk.first)
      product_atb<S>(chunk.b, left, chunk.after);
    else
      chunk.age(chunk.before, chunk.after), add_product_atb<S>(chunk.b, left, chunk.after);
  }
  return saved;
}

template <class S>
void ssd_backward(const SsdGroup<S>& in, const SsdSaved<S>& saved, In<S> dy, SsdGroupGrad<S> grad,
                  Memory<S>& memory) {
  const Mat<S> d_next = zeros(memory, in.b.cols(), in.x.cols());
  for (Index n = chunks_of(in.time(), in.chunk); n-- > 0;) {
    typename Memory<S>::Scope scope(memory);
    const Chunk<S> chunk(in, saved, n, memory);
    const auto room = [&](Index cols) { return zeros(memory, chunk.size, cols); };
    const Mat<S> dv = room(in.x.cols()), db = room(in.b.cols()), dc = room(in.c.cols());
    const Mat<S> dsums = room(in.heads());  // dG
    const ConstMat<S> d_out = chunk.rows(ConstMat<S>(dy));
    if (!chunk.last) write_backward<S>(chunk, d_next, dv, db, dsums, memory);
    pairs_backward<S>(chunk, d_out, dv, db, dc, dsums, memory);
    if (!chunk.first) read_backward<S>(chunk, d_out, d_next, dc, dsums, memory);
    inputs_backward<S>(in, chunk, d_out, dv, dsums, grad);
    add_rows<S>(db, chunk.rows(grad.b));
    add_rows<S>(dc, chunk.rows(grad.c));
  }
}

template <class S>
void ssd_step(const SsdGroup<S>& token, Mat<S> state, Mat<S> y, Memory<S>& memory) {
  const Index heads = token.heads();
  const Mat<S> v = memory.temp(1, token.x.cols());
  for (Index h = 0; h < heads; ++h) {
    of_head(v, h, heads) = token.dt(0, h) * of_head(token.x, h, heads);
    of_head(state, h, heads) *= std::exp(token.a(h) * token.dt(0, h));
  }
  add_product_atb<S>(token.b, v, state);
  product_ab<S>(token.c, state, y);
  for (Index h = 0; h < heads; ++h) of_head(y, h, heads) += token.d(0, h) * of_head(token.x, h, heads);
}

#define HEED_INSTANTIATE(S)                                                                               \
  template SsdSaved<S> ssd_forward(const SsdGroup<S>&, Mat<S>, Memory<S>&);                               \
  template void ssd_backward(const SsdGroup<S>&, const SsdSaved<S>&, In<S>, SsdGroupGrad<S>, Memory<S>&); \
  template void ssd_step(const SsdGroup<S>&, Mat<S>, Mat<S>, Memory<S>&);
HEED_INSTANTIATE(float)
HEED_INSTANTIATE(double)
#undef HEED_INSTANTIATE

}  // namespace heed
