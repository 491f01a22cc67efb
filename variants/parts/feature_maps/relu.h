#pragma once

#include "variants/parts/feature_maps/feature_map.h"

namespace heed {

// f(x) = max(x, 0). A query or all its keys may have no feature above 0: z = 0, and the output is 0.
template <class S>
struct ReluFeatures : FeatureMap<S> {
  static constexpr const char* kName = "relu";
  static constexpr bool kSmooth = false;
  Index width(Index d) const { return d; }

  void forward(const FeatureRows<S>& in, Mat<S> f, Memory<S>&) const {
    for (Index r = 0; r < f.rows(); ++r) row(f, r) = in.x.row(r).array().max(S(0));
  }

  // dx = df [x > 0]
  void backward(const FeatureRows<S>&, Mat<S> f, Mat<S> df, Mat<S> dx, HeadGrad<S>&, Memory<S>&) const {
    for (Index r = 0; r < f.rows(); ++r) dx.row(r).array() += (row(f, r) > S(0)).select(row(df, r), S(0));
  }
};

}  // namespace heed
