#pragma once

#include <algorithm>
#include <array>

#include "core/ops/lower_products.h"
#include "core/ops/product.h"
#include "core/packed_tile.h"

namespace heed {

// How the state of a recurrence (K,V) decays within a chunk of n tokens. Token i multiplies it by e^{g_i},
// g_i <= 0, before it writes. With G the running sum of g over the chunk, a chunked form needs
//     through(x)_i = e^{G_i} x_i            what token i reads of the state that enters the chunk
//     rest(x)_i = e^{G_n - G_i} x_i         what is left at the end of what token i writes
//     pairs(a, k)_ij = sum_c a_ic k_jc e^{G_ic - G_jc}      for j <= i, or j < i: what i reads of what j
//     wrote
// Each factor is a product of steps e^g <= 1 from one token to a later one, never a quotient: however strong
// the decay, nothing overflows, and what underflows is 0 to rounding.

// The left side of a product of pairs, and where it goes; backward reads p as the gradient and adds to da.
template <class S>
struct Pairs {
  Mat<S> a;     // (n,K)
  bool strict;  // j < i, without the diagonal
  Mat<S> p;     // (n,n), zeros where there is no pair
  Mat<S> da = {nullptr, 0, 0, Eigen::OuterStride<>(0)};
};

namespace detail {
// dg_i = sum_{t >= i} dG_t, in place
template <class S>
void suffix_sums(Mat<S> rows) {
  for (Index i = rows.rows(); i-- > 1;) row(rows, i - 1) += row(rows, i);
}
}  // namespace detail

// No decay, or one number for each token: g (n,1).
template <class S>
class ScalarDecay {
 public:
  static Mat<S> room(Memory<S>& memory, Index n, Index) { return tile_room(memory, n, 1); }

  // g: a tile; without rows: no decay
  ScalarDecay(Mat<S> g, Index n, Index, Memory<S>& memory)
      : between_(zeros(memory, n, n)), through_(tile_room(memory, 1, n)) {
    for (Index i = 0; i < n; ++i) {
      const S step = g.rows() > 0 ? std::exp(g(i, 0)) : S(1);
      through_(0, i) = step * (i > 0 ? through_(0, i - 1) : S(1));
      if (i > 0) row(part(between_, n, i), i) = step * row(part(between_, n, i), i - 1);
      between_(i, i) = 1;
    }
  }

  // y = through(x) and y = rest(x), which are their own derivatives.
  void through(Mat<S> x, Mat<S> y) const {
    for (Index i = 0; i < x.rows(); ++i) row(y, i) = through_(0, i) * row(x, i);
  }
  void rest(Mat<S> x, Mat<S> y) const {
    const Index last = between_.rows() - 1;
    for (Index i = 0; i < x.rows(); ++i) row(y, i) = between_(last, i) * row(x, i);
  }
  // after = e^{G_n} before, (K,V); may be the same
  void age(Mat<S> before, Mat<S> after) const { after = through_(0, through_.cols() - 1) * before; }

  // p = <a, k> with the decay
  template <std::size_t N>
  void pairs(const std::array<Pairs<S>, N>& all, Mat<S> k) const {
    for (Pairs<S> x : all) {
      if (x.strict && x.p.rows() == 1) {  // there is no pair
        x.p.setZero();
        continue;
      }
      lower_product_abt<S>(x.a, k, x.p);
      mask(x.p, x.strict);
    }
  }
  // With p the gradients of the pairs, which are masked in place:    da += p k    dk += p^T a
  template <std::size_t N>
  void pairs_backward(const std::array<Pairs<S>, N>& all, Mat<S> k, Mat<S> dk) const {
    for (const Pairs<S>& x : all) {
      mask(x.p, x.strict);
      add_lower_product_ab<S>(x.p, k, x.da);
      add_lower_product_atb<S>(x.p, x.a, dk);
    }
  }

  // From dG (n,K) and what G_n gets besides (1,K):    dg_i = sum_{t >= i} sum_c dG_tc
  static void steps_backward(Mat<S> dsums, Mat<S> last, Mat<S> dg) {
    for (Index i = 0; i < dg.rows(); ++i) dg(i, 0) = (row(dsums, i) + S(0)).sum();
    dg(dg.rows() - 1, 0) += (row(last, 0) + S(0)).sum();
    detail::suffix_sums(dg);
  }

 private:
  void mask(Mat<S> p, bool strict) const {
    for (Index i = 0; i < p.rows(); ++i) row(p, i) *= row(between_, i);
    if (strict) p.diagonal().setZero();
  }

  Mat<S> between_;  // (n,n): e^{G_i - G_j} for j <= i, else 0
  Mat<S> through_;  // (1,n): e^{G_i}
};

// One number for each token and key channel: g (n,K). Pairs are products by blocks of rows. A block reads the
// tokens before it through its first token f, with the factors e^{G_i - G_f} on its side and e^{G_f - G_j} on
// theirs; only pairs within a block are computed one by one.
template <class S>
class ChannelDecay {
 public:
  static Mat<S> room(Memory<S>& memory, Index n, Index key) { return tile_room(memory, n, key); }

  ChannelDecay(Mat<S> g, Index n, Index key, Memory<S>& memory)
      : memory_(memory),
        step_(tile_room(memory, n, key)),
        through_(tile_room(memory, n, key)),
        rest_(tile_room(memory, n, key)),
        left_(tile_room(memory, n, key)),
        right_(tile_room(memory, n, key)) {
    for (Index i = 0; i < n; ++i) {
      row(step_, i) = row(g, i).exp();
      row(through_, i) = row(step_, i);
      if (i > 0) row(through_, i) *= row(through_, i - 1);
      row(left_, i).setOnes();
      if (i % kBlock != 0) row(left_, i) = row(step_, i) * row(left_, i - 1);
    }
    row(rest_, n - 1).setOnes();
    for (Index i = n - 1; i-- > 0;) {
      row(rest_, i) = row(step_, i + 1) * row(rest_, i + 1);
      row(right_, i) = row(step_, i + 1);
      if ((i + 1) % kBlock != 0) row(right_, i) *= row(right_, i + 1);
    }
  }

  void through(Mat<S> x, Mat<S> y) const { multiply(x, through_, y); }
  void rest(Mat<S> x, Mat<S> y) const { multiply(x, rest_, y); }
  void age(Mat<S> before, Mat<S> after) const {
    for (Index c = 0; c < before.rows(); ++c)
      row(after, c) = through_(through_.rows() - 1, c) * row(before, c);
  }

  template <std::size_t N>
  void pairs(const std::array<Pairs<S>, N>& all, Mat<S> k) const {
    typename Memory<S>::Scope scope(memory_);
    const Index n = k.rows();
    const Mat<S> earlier = tile_room(memory_, n, k.cols()), own = tile_room(memory_, kBlock, k.cols());
    for (Pairs<S> x : all) x.p.setZero();
    for (Index f = 0; f < n; f += kBlock) {
      const Index rows = std::min(kBlock, n - f);
      bring_to(f, k, earlier);
      for (const Pairs<S>& x : all) {
        if (f == 0) continue;
        own_side(x.a, f, rows, own);
        product_abt<S>(part(own, rows, k.cols()), row_block(earlier, 0, f), cell(x.p, f, 0, rows, f));
      }
      within(all, k, f, rows);
    }
  }

  template <std::size_t N>
  void pairs_backward(const std::array<Pairs<S>, N>& all, Mat<S> k, Mat<S> dk) const {
    typename Memory<S>::Scope scope(memory_);
    const Index n = k.rows(), key = k.cols();
    const Mat<S> earlier = tile_room(memory_, n, key), own = tile_room(memory_, kBlock, key);
    for (Index f = 0; f < n; f += kBlock) {
      const Index rows = std::min(kBlock, n - f);
      bring_to(f, k, earlier);
      for (const Pairs<S>& x : all) {
        if (f == 0) continue;
        product_ab<S>(cell(x.p, f, 0, rows, f), row_block(earlier, 0, f), part(own, rows, key));
        for (Index i = 0; i < rows; ++i) row(x.da, f + i) += row(left_, f + i) * row(own, i);
      }
      within_backward(all, k, f, rows, dk);
    }
    // What later blocks send to the keys, brought back from the last block to the first.
    Mat<S>(earlier).setZero();
    for (Index f = (n - 1) / kBlock * kBlock; f > 0; f -= kBlock) {
      const Index rows = std::min(kBlock, n - f);
      for (const Pairs<S>& x : all) {
        own_side(x.a, f, rows, own);
        add_product_atb<S>(cell(x.p, f, 0, rows, f), part(own, rows, key), row_block(earlier, 0, f));
      }
      for (Index j = f - kBlock; j < f; ++j) row(dk, j) += row(right_, j) * row(earlier, j);
      for (Index j = 0; j < f - kBlock; ++j) row(earlier, j) *= row(right_, f - kBlock);
    }
  }

  static void steps_backward(Mat<S> dsums, Mat<S> last, Mat<S> dg) {
    for (Index i = 0; i < dg.rows(); ++i) row(dg, i) = row(dsums, i);
    row(dg, dg.rows() - 1) += row(last, 0);
    detail::suffix_sums(dg);
  }

 private:
  static constexpr Index kBlock = 8;

  static void multiply(Mat<S> x, Mat<S> factor, Mat<S> y) {
    for (Index i = 0; i < x.rows(); ++i) row(y, i) = row(factor, i) * row(x, i);
  }
  static Mat<S> cell(Mat<S> m, Index r, Index c, Index rows, Index cols) {
    return {m.data() + r * m.outerStride() + c, rows, cols, Eigen::OuterStride<>(m.outerStride())};
  }
  // The keys before block f times e^{G_f - G_j}, from the same for the block before. right_ is that factor
  // for the block before f; for its first key it is also the factor from block to block.
  void bring_to(Index f, Mat<S> k, Mat<S> earlier) const {
    for (Index j = 0; j < f - kBlock; ++j) row(earlier, j) *= row(right_, f - kBlock);
    for (Index j = std::max<Index>(0, f - kBlock); j < f; ++j) row(earlier, j) = row(right_, j) * row(k, j);
  }
  void own_side(Mat<S> a, Index f, Index rows, Mat<S> own) const {
    for (Index i = 0; i < rows; ++i) row(own, i) = row(left_, f + i) * row(a, f + i);
  }

  // The pairs within the block of rows f .. f+rows-1. `decay` is e^{G_i - G_j}, built up from j = i down.
  template <std::size_t N>
  void within(const std::array<Pairs<S>, N>& all, Mat<S> k, Index f, Index rows) const {
    typename Memory<S>::Scope scope(memory_);
    for (Pairs<S> x : all) {
      if (x.strict) continue;  // the diagonal does not decay: a product
      const Mat<S> own = tile_room(memory_, rows, rows);
      product_abt<S>(row_block(x.a, f, rows), row_block(k, f, rows), own);
      for (Index i = 0; i < rows; ++i) x.p(f + i, f + i) = own(i, i);
    }
    S* const decay = tile_room(memory_, 1, k.cols()).data();
    for (Index i = f; i < f + rows; ++i) {
      std::fill_n(decay, k.cols(), S(1));
      for (Index j = i; j-- > f;) {
        std::array<const S*, N> a;
        for (std::size_t n = 0; n < N; ++n) a[n] = at(all[n].a, i);
        const std::array<S, N> dots = decayed_dots<N>(decay, at(step_, j + 1), at(k, j), a, k.cols());
        for (std::size_t n = 0; n < N; ++n) {
          Mat<S> p = all[n].p;
          p(i, j) = dots[n];
        }
      }
    }
  }
  template <std::size_t N>
  void within_backward(const std::array<Pairs<S>, N>& all, Mat<S> k, Index f, Index rows, Mat<S> dk) const {
    typename Memory<S>::Scope scope(memory_);
    const TileRow<S> decay = row(tile_room(memory_, 1, k.cols()), 0);
    for (Index i = f; i < f + rows; ++i) {
      TileRow<S>(decay).setOnes();
      for (Index j = i; j >= f; --j) {
        if (j < i) TileRow<S>(decay) *= row(step_, j + 1);
        for (Pairs<S> x : all) {
          if (x.strict && j == i) continue;
          const S d = x.p(i, j);
          row(x.da, i) += d * decay * row(k, j);
          row(dk, j) += d * decay * row(x.a, i);
        }
      }
    }
  }

  static const S* at(Mat<S> m, Index r) { return m.data() + r * m.outerStride(); }

  // decay *= step, and sum_c a_c k_c decay_c for each a: sums in lanes, which are added at the end.
  template <std::size_t N>
  static std::array<S, N> decayed_dots(S* decay, const S* step, const S* k, const std::array<const S*, N>& a,
                                       Index key) {
    constexpr Index lanes = kAlignment / sizeof(S);
    S sums[N][lanes] = {};
    for (Index from = 0; from < key; from += lanes) {
      const Index n = std::min(lanes, key - from);
      S seen[lanes];
      for (Index c = 0; c < n; ++c) {
        decay[from + c] *= step[from + c];
        seen[c] = decay[from + c] * k[from + c];
      }
      for (std::size_t m = 0; m < N; ++m)
        for (Index c = 0; c < n; ++c) sums[m][c] += a[m][from + c] * seen[c];
    }
    std::array<S, N> out;
    for (std::size_t m = 0; m < N; ++m) {
      for (Index half = lanes / 2; half > 0; half /= 2)
        for (Index c = 0; c < half; ++c) sums[m][c] += sums[m][c + half];
      out[m] = sums[m][0];
    }
    return out;
  }

  Memory<S>& memory_;
  Mat<S> step_;            // (n,K): e^{g_i}
  Mat<S> through_, rest_;  // (n,K): e^{G_i}, e^{G_n - G_i}
  Mat<S> left_;            // (n,K): e^{G_i - G_f}, f the first token of i's block
  Mat<S> right_;           // (n,K): e^{G_f - G_i}, f the first token of the next block
};

}  // namespace heed
