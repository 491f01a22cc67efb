#pragma once

#include "core/ops/activation.h"
#include "variants/parts/head_output.h"
#include "variants/parts/packed_tile.h"
#include "variants/parts/row_norms.h"
#include "variants/parts/short_conv.h"

namespace heed {

// What a recurrent layer does with the queries, keys or values of a head before its recurrence:
//     y = norm(act(conv(x)))
// each step of which may be missing. Rows are computed where they are needed, a chunk at a time, and again in
// backward: nothing is kept.
enum class Feature { none, silu, elu };  // elu: elu(x) + 1
enum class RowNorm { none, l2, sum };

template <class S>
class TokenFeatures {
 public:
  // conv: without taps, none
  TokenFeatures(const ShortConv<S>& conv, Feature feature, RowNorm norm)
      : conv_(conv), feature_(feature), norm_(norm) {}

  // Rows first .. first+n-1, a tile.
  Mat<S> forward(In<S> x, Index first, Index n, Memory<S>& memory) const {
    const Mat<S> y = convolved(x, first, n, memory);
    activate(y);
    normalize(y, y);
    return y;
  }

  // The same with what backward needs.
  struct Traced {
    Mat<S> y, a, slope;  // features, before the norm, act'(conv(x))
  };
  Traced trace(In<S> x, Index first, Index n, Memory<S>& memory) const {
    const Mat<S> a = convolved(x, first, n, memory), slope = tile_room(memory, n, x.cols());
    activate_with_slope(a, slope);
    if (norm_ == RowNorm::none) return {a, a, slope};
    const Mat<S> y = tile_room(memory, n, x.cols());
    normalize(a, y);
    return {y, a, slope};
  }
  // Adds to dx, also to rows before `first`, and to dconv. dy (n,D) is a tile, which is overwritten.
  void backward(In<S> x, Index first, const Traced& at, Mat<S> dy, Mat<S> dx, const ShortConvGrad<S>& dconv,
                Memory<S>& memory) const {
    typename Memory<S>::Scope scope(memory);
    const Mat<S> da = norm_ == RowNorm::none ? dy : zeros(memory, dy.rows(), dy.cols());
    if (norm_ == RowNorm::l2) l2_rows_backward<S>(at.a, kEps, dy, da);
    if (norm_ == RowNorm::sum) sum_rows_backward<S>(at.a, dy, da);
    if (feature_ != Feature::none)
      for (Index i = 0; i < da.rows(); ++i) row(da, i) *= row(at.slope, i);
    if (conv_.taps.rows() > 0)
      short_conv_backward<S>(conv_, x, first, da, dx, dconv);
    else
      scatter_add(da, Rows{nullptr, first, da.rows()}, dx);
  }

  // One more token x (1,D); the state is the convolution's.
  Mat<S> next(In<S> x, Mat<S> state, Memory<S>& memory) const {
    const Mat<S> y = tile_room(memory, 1, x.cols());
    if (conv_.taps.rows() > 0)
      short_conv_next<S>(conv_, x, state, y);
    else
      gather<S>(x, Rows{nullptr, 0, 1}, y);
    activate(y);
    normalize(y, y);
    return y;
  }

 private:
  static constexpr double kEps = 1e-6;  // beside the squared length

  Mat<S> convolved(In<S> x, Index first, Index n, Memory<S>& memory) const {
    const Mat<S> y = tile_room(memory, n, x.cols());
    if (conv_.taps.rows() > 0)
      short_conv<S>(conv_, x, first, y);
    else
      gather<S>(x, Rows{nullptr, first, n}, y);
    return y;
  }
  void activate(Mat<S> y) const {
    if (feature_ == Feature::silu) heed::activate<S>(Activation::silu, y, y);
    if (feature_ == Feature::elu) whole(y) = whole(y).max(S(0)) + whole(y).min(S(0)).exp();
  }
  // y becomes act(y); slope = act'(y). (elu(x) + 1)' is 1 above 0 and exp(x) = y below: min(y, 1).
  void activate_with_slope(Mat<S> y, Mat<S> slope) const {
    if (feature_ == Feature::silu) {
      whole(slope) = whole(y);
      heed::activate_with_slope<S>(Activation::silu, slope, y);
    } else {
      activate(y);
      if (feature_ == Feature::elu) whole(slope) = whole(y).min(S(1));
    }
  }
  void normalize(Mat<S> a, Mat<S> y) const {
    if (norm_ == RowNorm::l2) l2_rows<S>(a, kEps, y);
    if (norm_ == RowNorm::sum) sum_rows<S>(a, y);
  }

  ShortConv<S> conv_;
  Feature feature_;
  RowNorm norm_;
};

}  // namespace heed
