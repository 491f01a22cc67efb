#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "core/rng.h"
#include "variants/parts/feature_maps/feature_map.h"

namespace heed {

// Positive random features of the softmax kernel (FAVOR+ of the Performer, Choromanski et al. 2021, eq. 7):
//     f(x) = exp(w_m.y - |y|^2 / 2) / sqrt(M),   y = x / D^(1/4)
// so that the mean of f(q).f(k) over the rows w_m is exp(q.k / sqrt(D)). The rows are orthogonal in groups of
// D, with the lengths of normal vectors, and are saved with the weights.
//
// The released code subtracts a maximum c from the exponent and then adds 1e-4. Its gradient takes c as a
// constant, though c depends on q and k: it is not the derivative of its output, and a causal output depends
// on later keys through c. Without the 1e-4, c cancels in o. So here there is neither; the exponent is at
// most |w_m|^2 / 2.
template <class S>
struct PerformerFeatures : FeatureMap<S> {
  static constexpr const char* kName = "performer";

  Index performer_features = 64;
  void describe(auto& option) {
    option("performer_features", performer_features,
           {.min = 1, .max = 65536, .doc = "M of performer, the number of random features"});
  }
  void declare(const LayerSpec<S>&, Index d, Params<S>& params) {
    const auto draw = [d](Draws& draws, std::span<double> w) { draw_orthogonal(draws, w, d); };
    w_ = params.declare("random_features", performer_features, d, Init::drawn(draw), Role::fixed);
  }

  Index width(Index) const { return performer_features; }
  double flops(Index rows, Index d) const { return 2 * static_cast<double>(rows * d * performer_features); }

  void forward(const FeatureRows<S>& in, Mat<S> f, Memory<S>&) const {
    const S c = scale(in.x.cols());
    product_abt(in.x, w_.value(), f);
    for (Index r = 0; r < f.rows(); ++r)
      row(f, r) = (row(f, r) * c - c * c / 2 * in.x.row(r).squaredNorm()).exp() * weight();
  }

  // t = df f    dy = t w - y sum(t)    dx = dy / D^(1/4)
  void backward(const FeatureRows<S>& in, Mat<S> f, Mat<S> df, Mat<S> dx, HeadGrad<S>&,
                Memory<S>& memory) const {
    const S c = scale(in.x.cols());
    for (Index r = 0; r < f.rows(); ++r) row(df, r) *= row(f, r);
    const Mat<S> tw = tile_room(memory, in.x.rows(), in.x.cols());
    product_ab(df, w_.value(), tw);
    for (Index r = 0; r < f.rows(); ++r)
      dx.row(r).array() += c * row(tw, r) - c * c * row(df, r).sum() * in.x.row(r).array();
  }

 private:
  static S scale(Index d) { return static_cast<S>(std::pow(static_cast<double>(d), -0.25)); }
  S weight() const { return static_cast<S>(1 / std::sqrt(static_cast<double>(performer_features))); }

  // Rows of w (M,D). Gram-Schmidt on normal rows gives directions; the lengths are those of other normal
  // rows.
  static void draw_orthogonal(Draws& draws, std::span<double> w, Index d) {
    Mat<double> rows = mat(w.data(), std::ssize(w) / d, d);
    for (double& x : w) x = draws.normal();
    for (Index i = 0; i < rows.rows(); ++i)
      for (Index pass = 0; pass < 2; ++pass) {  // the second removes what rounding left
        for (Index j = i / d * d; j < i; ++j) rows.row(i) -= rows.row(i).dot(rows.row(j)) * rows.row(j);
        rows.row(i) /= rows.row(i).norm();
      }
    for (Index i = 0; i < rows.rows(); ++i) {
      double square = 0;
      for (Index c = 0; c < d; ++c) {
        const double x = draws.normal();
        square += x * x;
      }
      rows.row(i) *= std::sqrt(square);
    }
  }

  Param<S> w_;
};

}  // namespace heed
