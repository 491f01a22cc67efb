#pragma once

#include <cmath>

#include "variants/parts/feature_maps/feature_map.h"

namespace heed {

// The second-order Taylor series of exp(s), s = q.k / sqrt(D), as a product of features (Based, Arora et al.
// 2024; Zhang et al. 2024):
//     f(q).f(k) = 1 + s + s^2 / 2 >= 1/2
//     f(x) = [1, x / D^(1/4), x_a x_b / sqrt(D) for a < b, x_a^2 / sqrt(2 D)]
// x_a x_b and x_b x_a are one feature with the weight of both, so W = 1 + D + D (D + 1) / 2. The products of
// x_a with x_a .. x_{D-1} are adjacent.
template <class S>
struct TaylorFeatures : FeatureMap<S> {
  static constexpr const char* kName = "taylor";
  Index width(Index d) const { return 1 + d + d * (d + 1) / 2; }

  void forward(const FeatureRows<S>& in, Mat<S> f, Memory<S>&) const {
    const Index d = in.x.cols();
    for (Index r = 0; r < f.rows(); ++r) {
      const auto x = in.x.row(r).array();
      TileRow<S> y = row(f, r);
      y[0] = 1;
      y.segment(1, d) = x * first(d);
      for (Index a = 0, at = 1 + d; a < d; at += d - a, ++a) {
        y.segment(at, d - a) = x.tail(d - a) * (x[a] * second(d));
        y[at] *= kSquare;
      }
    }
  }

  // dx_a += df_ab x_b / sqrt(D)    dx_b += df_ab x_a / sqrt(D)    both where a = b, with the weight of a
  // square
  void backward(const FeatureRows<S>& in, Mat<S>, Mat<S> df, Mat<S> dx, HeadGrad<S>&, Memory<S>&) const {
    const Index d = in.x.cols();
    for (Index r = 0; r < df.rows(); ++r) {
      const auto x = in.x.row(r).array();
      TileRow<S> dy = row(df, r);
      dx.row(r).array() += dy.segment(1, d) * first(d);
      for (Index a = 0, at = 1 + d; a < d; at += d - a, ++a) {
        dy[at] *= kSquare;
        const auto pairs = dy.segment(at, d - a);
        dx(r, a) += (pairs * x.tail(d - a)).sum() * second(d);
        dx.row(r).tail(d - a).array() += pairs * (x[a] * second(d));
      }
    }
  }

 private:
  static constexpr S kSquare = static_cast<S>(0.70710678118654752440);  // 1 / sqrt(2)
  static S first(Index d) { return static_cast<S>(std::pow(static_cast<double>(d), -0.25)); }
  static S second(Index d) { return static_cast<S>(1 / std::sqrt(static_cast<double>(d))); }
};

}  // namespace heed
