#pragma once

#include "variants/parts/feature_maps/feature_map.h"

namespace heed {

// f(x) = elu(x) + 1: x + 1 above 0, exp(x) below.   Katharopoulos et al. 2020, eq. 7
template <class S>
struct EluFeatures : FeatureMap<S> {
  static constexpr const char* kName = "elu";
  Index width(Index d) const { return d; }

  // The branch not taken stays at 1 or 0 and cannot overflow.
  void forward(const FeatureRows<S>& in, Mat<S> f, Memory<S>&) const {
    gather<S>(in.x, Rows{nullptr, 0, in.x.rows()}, f);
    TileRow<S> all(f.data(), f.rows() * f.outerStride());
    all = all.max(S(0)) + all.min(S(0)).exp();
  }

  // f'(x), which is 1 above 0 and exp(x) = f(x) below, is min(f(x), 1).
  void backward(const FeatureRows<S>&, Mat<S> f, Mat<S> df, Mat<S> dx, HeadGrad<S>&, Memory<S>&) const {
    for (Index r = 0; r < f.rows(); ++r) dx.row(r).array() += row(df, r) * row(f, r).min(S(1));
  }
};

}  // namespace heed
