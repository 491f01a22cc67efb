#pragma once

#include <algorithm>
#include <array>

#include "core/views.h"
#include "variants/parts/lanes.h"

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
// Taps are applied in groups of four, the last group first. Its taps are end-4 .. end-1, those before the
// first are 0; they multiply rows `lag`+3 .. `lag` before the output's. Numbers of a row go through in lanes,
// and a window of four rows stays in registers while it moves down the rows.
constexpr Index kGroup = 4;

template <class S>
std::array<Lanes<S>, kGroup> group_of(In<S> taps, Index end, Index at, Index n) {
  std::array<Lanes<S>, kGroup> out;
  for (Index i = 0; i < kGroup; ++i) {
    const Index o = end - kGroup + i;
    out[static_cast<std::size_t>(i)] = o < 0 ? Lanes<S>(Lanes<S>::Zero()) : load(taps.row(o).data() + at, n);
  }
  return out;
}

// Lanes of row r, zeros outside. n: an Index or a constant, see for_lanes. Inlined, because it is called for
// each row.
template <class S, class N>
[[gnu::always_inline]] inline Lanes<S> row_or_zero(const ConstMat<S>& x, Index r, Index at, N n) {
  return r < 0 || r >= x.rows() ? Lanes<S>(Lanes<S>::Zero()) : load(x.data() + r * x.outerStride() + at, n);
}

// Calls f(i, window) for i = 0 .. count-1, with rows from+i .. from+i+3 of x.
template <class S, class N, class F>
void for_windows(In<S> x, Index from, Index count, Index at, N n, F f) {
  Lanes<S> a, b = row_or_zero<S>(x, from, at, n), c = row_or_zero<S>(x, from + 1, at, n),
              d = row_or_zero<S>(x, from + 2, at, n);
  for (Index i = 0; i < count; ++i) {
    a = b, b = c, c = d, d = row_or_zero<S>(x, from + i + 3, at, n);
    f(i, a, b, c, d);
  }
}
}  // namespace detail

// y = rows first .. first + y.rows() - 1 of the convolution of x. To continue a sequence, let x begin with
// the last kept() rows of what came before, and first = kept().
template <class S>
void short_conv(const ShortConv<S>& conv, In<S> x, Index first, Mat<S> y) {
  const bool biased = conv.bias.rows() > 0;
  for (Index end = conv.width(), lag = 0; end > 0; end -= detail::kGroup, lag += detail::kGroup)
    for_lanes(y.cols(), [&](Index at, auto n) {
      const auto tap = detail::group_of<S>(conv.taps, end, at, n);
      const Lanes<S> start = biased ? load(conv.bias.data() + at, n) : Lanes<S>(Lanes<S>::Zero());
      detail::for_windows<S>(x, first - lag - 3, y.rows(), at, n,
                             [&](Index r, const auto& a, const auto& b, const auto& c, const auto& d) {
                               S* const to = y.data() + r * y.outerStride() + at;
                               const Lanes<S> before = lag > 0 ? load(to, n) : start;
                               const Lanes<S> sum =
                                   before + tap[0] * a + tap[1] * b + tap[2] * c + tap[3] * d;
                               store(sum, to, n);
                             });
    });
}

// Rows of x that are before `first` get gradients too.
//     dx_s += sum_o tap_o * dy_{s+(n-1)-o}      dtap_o += sum_t dy_t * x_{t-(n-1)+o}      dbias += sum_t dy_t
template <class S>
void short_conv_backward(const ShortConv<S>& conv, In<S> x, Index first, In<S> dy, Mat<S> dx,
                         ShortConvGrad<S> grad) {
  for (Index end = conv.width(), lag = 0; end > 0; end -= detail::kGroup, lag += detail::kGroup)
    for_lanes(dy.cols(), [&](Index at, auto n) {
      const auto tap = detail::group_of<S>(conv.taps, end, at, n);
      const Index from = std::max<Index>(0, first - lag - 3), rows = first + dy.rows() - lag - from;
      detail::for_windows<S>(dy, from + lag - first, rows, at, n,
                             [&](Index i, const auto& a, const auto& b, const auto& c, const auto& d) {
                               S* const to = dx.data() + (from + i) * dx.outerStride() + at;
                               const Lanes<S> sum =
                                   load(to, n) + tap[3] * a + tap[2] * b + tap[1] * c + tap[0] * d;
                               store(sum, to, n);
                             });
      std::array<Lanes<S>, detail::kGroup> dtap;
      for (Lanes<S>& sum : dtap) sum.setZero();
      detail::for_windows<S>(x, first - lag - 3, dy.rows(), at, n,
                             [&](Index r, const auto& a, const auto& b, const auto& c, const auto& d) {
                               const Lanes<S> up = load(dy.data() + r * dy.outerStride() + at, n);
                               dtap[0] += up * a, dtap[1] += up * b, dtap[2] += up * c, dtap[3] += up * d;
                             });
      for (Index i = 0; i < detail::kGroup; ++i) {
        const Index o = end - detail::kGroup + i;
        if (o < 0) continue;
        S* const to = grad.taps.data() + o * grad.taps.outerStride() + at;
        const Lanes<S> sum = load(to, n) + dtap[static_cast<std::size_t>(i)];
        store(sum, to, n);
      }
    });
  for (Index r = 0; conv.bias.rows() > 0 && r < dy.rows(); ++r) grad.bias.row(0) += dy.row(r);
}

// One more token x (1,C): y (1,C) its output. The state (kept(), C) holds the inputs before it, oldest
// first, and starts at zero.
template <class S>
void short_conv_next(const ShortConv<S>& conv, In<S> x, Mat<S> state, Mat<S> y) {
  const Index kept = conv.kept();
  y.row(0) = conv.taps.row(kept).cwiseProduct(x.row(0));
  if (conv.bias.rows() > 0) y.row(0) += conv.bias.row(0);
  for (Index o = 0; o < kept; ++o) y.row(0) += conv.taps.row(o).cwiseProduct(state.row(o));
  for (Index o = 0; o + 1 < kept; ++o) state.row(o) = state.row(o + 1);
  if (kept > 0) state.row(kept - 1) = x.row(0);
}

}  // namespace heed
