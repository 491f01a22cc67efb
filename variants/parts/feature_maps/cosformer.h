#pragma once

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "variants/parts/feature_maps/feature_map.h"

namespace heed {

// relu(q_i).relu(k_j) cos(pi (i - j) / (2 M)), a weight that falls with the distance (cosFormer, Qin et al.
// 2022, eq. 10). With the cosine of a difference it is a product of features
//     f(x_p) = [relu(x_p) cos(w p), relu(x_p) sin(w p)],   w = pi / (2 M)
// M must not be below the longest length, or weights become negative. The released code takes M from the
// lengths of each call, so the same prefix has other outputs in a longer sequence; here M is fixed.
template <class S>
struct CosformerFeatures : FeatureMap<S> {
  static constexpr const char* kName = "cosformer";
  static constexpr bool kPermutes = false, kSmooth = false, kClamps = true;

  Index cosformer_length = 0;
  void describe(auto& option) {
    option("cosformer_length", cosformer_length,
           {.min = 0, .doc = "M of cosformer, the distance of weight 0; 0: the longest sequence"});
  }
  void declare(const LayerSpec<S>& spec, Index, Params<S>&) {
    if (cosformer_length == 0) cosformer_length = std::max<Index>(spec.length, 1);
    if (cosformer_length < spec.length)
      throw Error(
          fmt::format("'cosformer_length' is {} but sequences have up to {} positions: weights "
                      "would become negative.",
                      cosformer_length, spec.length));
  }

  Index width(Index d) const { return 2 * d; }

  void forward(const FeatureRows<S>& in, Mat<S> f, Memory<S>&) const {
    const Index d = in.x.cols();
    for (Index r = 0; r < f.rows(); ++r) {
      const auto x = in.x.row(r).array().max(S(0));
      row(f, r).head(d) = x * cosine(in.first + r);
      row(f, r).tail(d) = x * sine(in.first + r);
    }
  }

  // dx = (df_cos cos(w p) + df_sin sin(w p)) [x > 0]
  void backward(const FeatureRows<S>& in, Mat<S>, Mat<S> df, Mat<S> dx, HeadGrad<S>&, Memory<S>&) const {
    const Index d = in.x.cols();
    for (Index r = 0; r < df.rows(); ++r) {
      TileRow<S> dy = row(df, r);
      dy.head(d) = dy.head(d) * cosine(in.first + r) + dy.tail(d) * sine(in.first + r);
      dx.row(r).array() += (in.x.row(r).array() > S(0)).select(dy.head(d), S(0));
    }
  }

 private:
  double angle(Index position) const {
    return std::numbers::pi * static_cast<double>(position) / (2 * static_cast<double>(cosformer_length));
  }
  S cosine(Index position) const { return static_cast<S>(std::cos(angle(position))); }
  S sine(Index position) const { return static_cast<S>(std::sin(angle(position))); }
};

}  // namespace heed
