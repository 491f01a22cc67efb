#pragma once

#include <algorithm>

#include "core/views.h"

namespace heed {

// A causal depthwise convolution over time: each channel by itself, with a filter of a few taps. x (T,C):
//     y_t = bias + sum_o tap_o * x_{t-(n-1)+o}      o = 0 .. n-1, x before the first row is 0
// So the last tap multiplies the current token (the layout of PyTorch's Conv1d). Views only.
template <class S>
struct ShortConv {
  ConstMat<S> taps;  // (n,C)
  ConstMat<S> bias;  // (1,C), or no rows: none

  Index width() const { return taps.rows(); }
  Index kept() const { return width() - 1; }  // earlier inputs that an output needs
};

// Where backward adds.
template <class S>
struct ShortConvGrad {
  Mat<S> taps, bias;  // of the shapes of ShortConv
};

namespace detail {
// y += a * b, elementwise. Plain pointers: rows are too short to pay for an expression.
template <class S>
inline void add_products(const S* a, const S* b, Index n, S* y) {
#pragma GCC ivdep
  for (Index c = 0; c < n; ++c) y[c] += a[c] * b[c];
}
// y += four such products in one pass over y: the usual width.
template <class S>
inline void add_four_products(const S* const* a, const S* const* b, Index n, S* y) {
  const S *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
  const S *b0 = b[0], *b1 = b[1], *b2 = b[2], *b3 = b[3];
#pragma GCC ivdep
  for (Index c = 0; c < n; ++c) y[c] += a0[c] * b0[c] + a1[c] * b1[c] + a2[c] * b2[c] + a3[c] * b3[c];
}

// y += sum of tap_o * x[row_of(o)] over the taps from .. end-1
template <class S, class RowOf>
void add_taps(In<S> taps, In<S> x, Index from, Index end, RowOf row_of, S* y) {
  const S *tap[4], *row[4];
  Index o = from;
  for (; o + 4 <= end; o += 4) {
    for (Index i = 0; i < 4; ++i) tap[i] = taps.row(o + i).data(), row[i] = x.row(row_of(o + i)).data();
    add_four_products(tap, row, taps.cols(), y);
  }
  for (; o < end; ++o) add_products(taps.row(o).data(), x.row(row_of(o)).data(), taps.cols(), y);
}
}  // namespace detail

// y = rows first .. first + y.rows() - 1 of the convolution of x. To continue a sequence, let x begin with
// the last kept() rows of what came before, and first = kept().
template <class S>
void short_conv(const ShortConv<S>& conv, In<S> x, Index first, Mat<S> y) {
  for (Index r = 0; r < y.rows(); ++r) {
    if (conv.bias.rows() > 0)
      y.row(r) = conv.bias.row(0);
    else
      y.row(r).setZero();
    const Index oldest = first + r - conv.kept();  // the row that tap 0 multiplies
    detail::add_taps<S>(
        conv.taps, x, std::max<Index>(0, -oldest), conv.width(), [&](Index o) { return oldest + o; },
        y.row(r).data());
  }
}

// Rows of x that are before `first` get gradients too.
//     dx_s += sum_o tap_o * dy_{s+(n-1)-o}      dtap_o += sum_t dy_t * x_{t-(n-1)+o}      dbias += sum_t dy_t
template <class S>
void short_conv_backward(const ShortConv<S>& conv, In<S> x, Index first, In<S> dy, Mat<S> dx,
                         ShortConvGrad<S> grad) {
  const Index kept = conv.kept(), end = first + dy.rows();
  for (Index s = std::max<Index>(0, first - kept); s < end; ++s) {
    const Index newest = s + kept - first;  // the row of dy that tap 0 multiplied x_s for
    detail::add_taps<S>(
        conv.taps, dy, std::max<Index>(0, newest - dy.rows() + 1), std::min(conv.width(), newest + 1),
        [&](Index o) { return newest - o; }, dx.row(s).data());
  }
  for (Index o = 0; o < conv.width(); ++o)
    for (Index r = std::max<Index>(0, kept - o - first); r < dy.rows(); ++r)
      detail::add_products(dy.row(r).data(), x.row(first + r - kept + o).data(), dy.cols(),
                           grad.taps.row(o).data());
  for (Index r = 0; conv.bias.rows() > 0 && r < dy.rows(); ++r) grad.bias.row(0) += dy.row(r);
}

// One more token x (1,C): y (1,C) its output. The state (kept(), C) holds the inputs before it, oldest
// first, and starts at zero.
template <class S>
void short_conv_next(const ShortConv<S>& conv, In<S> x, Mat<S> state, Mat<S> y) {
  const Index kept = conv.kept(), n = x.cols();
  if (conv.bias.rows() > 0)
    y.row(0) = conv.bias.row(0);
  else
    y.row(0).setZero();
  for (Index o = 0; o < kept; ++o)
    detail::add_products(conv.taps.row(o).data(), state.row(o).data(), n, y.data());
  detail::add_products(conv.taps.row(kept).data(), x.data(), n, y.data());
  for (Index o = 0; o + 1 < kept; ++o) state.row(o) = state.row(o + 1);
  if (kept > 0) state.row(kept - 1) = x.row(0);
}

}  // namespace heed
