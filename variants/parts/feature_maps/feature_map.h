#pragma once

#include "core/head.h"
#include "core/layer.h"
#include "core/ops/product.h"
#include "variants/parts/packed_tile.h"

namespace heed {

// Some rows of a head's queries or keys, as a feature map sees them.
template <class S>
struct FeatureRows {
  ConstMat<S> x;  // (n,D)
  Side side;
  Index head;
  Index first;  // position of the first row
};

// What a map has unless it says otherwise. A map f turns each row x (D) into features f(x) (W). It is a plain
// struct that derives from this and defines
//     static constexpr const char* kName
//     Index width(Index d) const
//         W
//     void forward(const FeatureRows<S>&, Mat<S> f, Memory<S>&) const
//         writes the features f (n,W), a tile
//     void backward(const FeatureRows<S>&, Mat<S> f, Mat<S> df, Mat<S> dx, HeadGrad<S>&, Memory<S>&) const
//         adds to dx (n,D) and to the gradients of its parameters; may overwrite the tile df (n,W)
// It is called for a chunk of rows at a time.
template <class S>
struct FeatureMap {
  static constexpr bool kPermutes = true;  // false: features depend on the position
  static constexpr bool kSmooth = true;    // false: the map has a kink
  static constexpr bool kClamps = false;   // true: the published denominator is max(z, eps), not z + eps
  void describe(auto&) {}                  // options
  void declare(const LayerSpec<S>&, Index /*d*/, Params<S>&) {}
  double flops(Index /*rows*/, Index /*d*/) const { return 0; }
};

}  // namespace heed
