#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "core/ops/product.h"
#include "core/step.h"
#include "variants/parts/packed_tile.h"

namespace heed {

// The decays of a chunk of n rows, by the running sums G_i = g_1 + ... + g_i in double. An exponent is always
// the difference of a sum and an earlier one, so it is not above 0. It is never split into e^{G_i} e^{-G_j}:
// the second factor overflows if decays are strong.
template <class S>
class ChunkDecay {
 public:
  static constexpr Index kBlock = 16;

  // log_decay (n,W): W = 1, or the width of keys
  ChunkDecay(In<S> log_decay, Memory<S>& memory)
      : log_decay_(log_decay),
        sums_(memory.template temp_span<double>(log_decay.size()).data(), log_decay.rows(),
              log_decay.cols()) {
    for (Index i = 0; i < n(); ++i) {
      sums_.row(i) = log_decay.row(i).template cast<double>().array();
      if (i > 0) sums_.row(i) += sums_.row(i - 1);
    }
  }

  bool by_channel() const { return sums_.cols() > 1; }

  // y_i = factor e^{G_i} * x_i: from the state before the chunk to row i
  void from_start(In<S> x, S factor, Mat<S> y) const {
    for (Index i = 0; i < n(); ++i) scale_row(sums_.row(i), factor, x.row(i), row(y, i));
  }
  // y_j = e^{G_n - G_j} * x_j: from row j to the end of the chunk
  void to_end(In<S> x, Mat<S> y) const {
    for (Index j = 0; j < n(); ++j) scale_row(sums_.row(n() - 1) - sums_.row(j), S(1), x.row(j), row(y, j));
  }
  // to = e^{G_n} * from, by rows
  void over_chunk(Mat<S> from, Mat<S> to) const {
    for (Index c = 0; c < from.rows(); ++c)
      row(to, c) = row(from, c) * static_cast<S>(std::exp(sums_(n() - 1, by_channel() ? c : 0)));
  }

  // p_ij = scale sum_c q_ic k_jc e^{G_ic - G_jc} for j <= i, else 0.    p (n,n)
  void scores(In<S> q, In<S> k, S scale, Mat<S> p, Memory<S>& memory) const {
    if (by_channel()) return scores_by_channel(q, k, scale, p, memory);
    product_abt(q, k, p);
    for (Index i = 0; i < n(); ++i) {
      row(p, i).head(i + 1) *= scale * decays_to(i);
      row(p, i).tail(n() - i - 1).setZero();
    }
  }

  // dq_i += sum_j dp_ij k_j * e^{G_i - G_j} scale    dk_j += sum_i dp_ij q_i * e^{G_i - G_j} scale    for j <
  // i The diagonal, which no decay changes, is left out. dp (n,n) may be overwritten.
  void scores_backward(In<S> q, In<S> k, S scale, Mat<S> dp, Mat<S> dq, Mat<S> dk, Memory<S>& memory) const {
    if (by_channel()) return scores_by_channel_backward(q, k, scale, dp, dq, dk, memory);
    for (Index i = 0; i < n(); ++i) {
      row(dp, i).head(i) *= scale * decays_to(i).head(i);
      row(dp, i).tail(n() - i).setZero();
    }
    add_product_ab(dp, k, dq);
    add_product_atb(dp, q, dk);
  }

 private:
  using Sums = Eigen::Map<Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

  Index n() const { return sums_.rows(); }

  // e^{G_i - G_j} for j = 0 .. i, if there is one decay for all channels
  auto decays_to(Index i) const {
    return (sums_(i, 0) - sums_.col(0).head(i + 1).transpose()).template cast<S>().exp();
  }

  // y = factor e^{exponent} * x; the exponent has one number or one for each channel
  template <class Row, class X>
  static void scale_row(const Row& exponent, S factor, const X& x, TileRow<S> y) {
    if (exponent.cols() == 1)
      y = x.array() * (factor * static_cast<S>(std::exp(exponent(0, 0))));
    else
      y = x.array() * exponent.template cast<S>().exp() * factor;
  }

  // With a decay for each channel, p is not an elementwise product. Rows are divided into blocks. Between a
  // block and the rows before it, the exponent is divided at the last row m before the block,
  // (G_i - G_m) + (G_m - G_j). Both parts are not above 0, and p is a product of matrices. Inside a block it
  // is summed pair by pair.
  void scores_by_channel(In<S> q, In<S> k, S scale, Mat<S> p, Memory<S>& memory) const {
    p.setZero();
    Split split(*this, k.cols(), memory);
    for (Index at = 0; at < n(); at += kBlock) {
      typename Memory<S>::Scope scope(memory);
      const Index size = std::min(kBlock, n() - at);
      if (at > 0) {
        split.move_to(at);
        product_abt(split.late(q, scale, memory), split.early(k, memory), before_block(p, at, size));
      }
      pairs_in_block(q, scale, at, size, memory,
                     [&](Index i, Index j, const TileRow<S>& decayed_q, const TileRow<S>&) {
                       p(i, j) = (decayed_q * k.row(j).array()).sum();
                     });
    }
  }

  void scores_by_channel_backward(In<S> q, In<S> k, S scale, Mat<S> dp, Mat<S> dq, Mat<S> dk,
                                  Memory<S>& memory) const {
    Split split(*this, k.cols(), memory);
    for (Index at = 0; at < n(); at += kBlock) {
      typename Memory<S>::Scope scope(memory);
      const Index size = std::min(kBlock, n() - at);
      if (at > 0) {
        split.move_to(at);
        const Mat<S> dlate = tile_room(memory, size, q.cols()), dearly = tile_room(memory, at, k.cols());
        product_ab(before_block(dp, at, size), split.early(k, memory), dlate);
        product_atb(before_block(dp, at, size), split.late(q, scale, memory), dearly);
        for (Index i = 0; i < size; ++i) row(dq, at + i) += scale * row(dlate, i) * row(split.to_rows, i);
        for (Index j = 0; j < at; ++j) row(dk, j) += row(dearly, j) * row(split.from_rows, j);
      }
      pairs_in_block(q, scale, at, size, memory,
                     [&](Index i, Index j, const TileRow<S>& decayed_q, const TileRow<S>& decay) {
                       if (i == j) return;
                       row(dq, i) += dp(i, j) * decay * k.row(j).array();
                       row(dk, j) += dp(i, j) * decayed_q;
                     });
    }
  }

  // The rows of a block and the columns before it.
  static Mat<S> before_block(Mat<S> p, Index at, Index size) {
    return column_block(row_block(p, at, size), 0, at);
  }

  // The factors of a split at m = at - 1, for one block after another:
  //     to_rows_i = e^{G_i - G_m} of the block's rows        from_rows_j = e^{G_m - G_j} of the rows before
  //     it
  struct Split {
    Split(const ChunkDecay& decay_of, Index key, Memory<S>& memory)
        : decay(decay_of),
          to_rows(tile_room(memory, kBlock, key)),
          from_rows(tile_room(memory, decay.n(), key)),
          step(tile_room(memory, 1, key)) {}

    // From the block before: its own rows get new factors, those of earlier rows are multiplied.
    void move_to(Index next) {
      const auto difference = [&](Index i, Index j) {
        return (decay.sums_.row(i) - decay.sums_.row(j)).template cast<S>().exp();
      };
      const Index before = next - kBlock;
      if (before > 0) row(step, 0) = difference(next - 1, before - 1);
      for (Index j = 0; j < before; ++j) row(from_rows, j) *= row(step, 0);
      for (Index j = before; j < next; ++j) row(from_rows, j) = difference(next - 1, j);
      at = next, size = std::min(kBlock, decay.n() - next);
      for (Index i = 0; i < size; ++i) row(to_rows, i) = difference(at + i, at - 1);
    }
    Mat<S> late(In<S> q, S scale, Memory<S>& memory) const {
      const Mat<S> out = tile_room(memory, size, q.cols());
      for (Index i = 0; i < size; ++i) row(out, i) = scale * row(to_rows, i) * q.row(at + i).array();
      return out;
    }
    Mat<S> early(In<S> k, Memory<S>& memory) const {
      const Mat<S> out = tile_room(memory, at, k.cols());
      for (Index j = 0; j < at; ++j) row(out, j) = row(from_rows, j) * k.row(j).array();
      return out;
    }

    const ChunkDecay& decay;
    Mat<S> to_rows, from_rows, step;
    Index at = 0, size = 0;
  };

  // Calls visit(i, j, scale q_i * a, scale a) with a = e^{G_i - G_j} for the pairs j <= i of a block. a is
  // the product of the decays of the rows after j, at most kBlock - 1 factors.
  template <class Visit>
  void pairs_in_block(In<S> q, S scale, Index at, Index size, Memory<S>& memory, Visit&& visit) const {
    const Mat<S> factors = tile_room(memory, size, q.cols()), rows = tile_room(memory, 2, q.cols());
    for (Index i = 0; i < size; ++i) row(factors, i) = log_decay_.row(at + i).array().exp();
    TileRow<S> decay = row(rows, 0), decayed_q = row(rows, 1);
    for (Index i = 0; i < size; ++i) {
      decay.setConstant(scale);
      for (Index j = i; j >= 0; --j) {
        decayed_q = decay * q.row(at + i).array();
        visit(at + i, at + j, decayed_q, decay);
        decay *= row(factors, j);
      }
    }
  }

  ConstMat<S> log_decay_;
  Sums sums_;
};

}  // namespace heed
