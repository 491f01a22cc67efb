#pragma once

#include <cmath>
#include <span>
#include <string>

#include "variants/parts/feature_maps/feature_map.h"

namespace heed {

// Learned features (Hedgehog, Zhang et al. 2024), with separate maps W, b for queries and keys:
//     y = multiplier (x W + b)
//     f(x) = [softmax(y), softmax(-y)]    each_sign, the authors' code
//     f(x) = softmax([y, -y])             both_signs, as in flash-linear-attention
// W starts as the identity. The authors have one for each head, without b, and multiplier 1;
// flash-linear-attention has one for all heads, with b, and multiplier 2.
template <class S>
struct HedgehogFeatures : FeatureMap<S> {
  static constexpr const char* kName = "hedgehog";

  std::string hedgehog_softmax = "each_sign", hedgehog_map = "per_head";
  double hedgehog_multiplier = 1;
  void describe(auto& option) {
    option("hedgehog_softmax", hedgehog_softmax,
           {.choices = {"each_sign", "both_signs"}, .doc = "of hedgehog: one softmax for each sign, or one"});
    option("hedgehog_map", hedgehog_map,
           {.choices = {"per_head", "shared"},
            .doc = "of hedgehog: a matrix for each head, or one matrix with a bias for all"});
    option("hedgehog_multiplier", hedgehog_multiplier,
           {.min = 1e-3, .max = 1e3, .doc = "of hedgehog: multiplies x W + b"});
  }
  void declare(const LayerSpec<S>& spec, Index d, Params<S>& params) {
    const auto identity = [d](Draws&, std::span<double> w) {
      for (std::size_t i = 0; i < w.size(); ++i)
        w[i] = static_cast<Index>(i) / d % d == static_cast<Index>(i) % d;
    };
    for (auto [map, name] : {std::pair(&query_, "query_features"), {&key_, "key_features"}}) {
      const auto scope = params.scope(name);
      map->w =
          params.declare("weight", shared() ? d : spec.heads * d, d, Init::drawn(identity), Role::decayed);
      if (shared()) map->b = params.declare("bias", 1, d, Init::zeros(), Role::undecayed);
    }
  }

  Index width(Index d) const { return 2 * d; }
  double flops(Index rows, Index d) const { return 2 * static_cast<double>(rows * d * d); }

  void forward(const FeatureRows<S>& in, Mat<S> f, Memory<S>& memory) const {
    const Index d = in.x.cols();
    const Mat<S> y = tile_room(memory, in.x.rows(), d);
    product_ab(in.x, of_head(map(in).w.value(), in.head, d), y);
    for (Index r = 0; r < f.rows(); ++r) {
      if (shared()) row(y, r) += map(in).b.value().row(0).array();
      TileRow<S> both = row(f, r);
      both.head(d) = row(y, r) * static_cast<S>(hedgehog_multiplier);
      both.tail(d) = -both.head(d);
      for_softmaxes(d, [&](Index from, Index n) {
        auto part = both.segment(from, n);
        part = (part - part.maxCoeff()).exp();
        part /= part.sum();
      });
    }
  }

  // For each softmax dxi = f (df - f.df)    dy = dxi_+ - dxi_-
  //     dW = multiplier x^T dy      db = multiplier sum dy      dx = multiplier dy W^T
  void backward(const FeatureRows<S>& in, Mat<S> f, Mat<S> df, Mat<S> dx, HeadGrad<S>& grad,
                Memory<S>& memory) const {
    const Index d = in.x.cols();
    const Mat<S> dy = tile_room(memory, in.x.rows(), d);
    for (Index r = 0; r < f.rows(); ++r) {
      TileRow<S> p = row(f, r), dp = row(df, r);
      for_softmaxes(d, [&](Index from, Index n) {
        auto part = dp.segment(from, n);
        part = p.segment(from, n) * (part - (p.segment(from, n) * part).sum());
      });
      row(dy, r) = (dp.head(d) - dp.tail(d)) * static_cast<S>(hedgehog_multiplier);
      if (shared()) grad.param(map(in).b).row(0).array() += row(dy, r);
    }
    add_product_atb(in.x, dy, of_head(grad.param(map(in).w), in.head, d));
    add_product_abt(dy, of_head(map(in).w.value(), in.head, d), dx);
  }

 private:
  struct Map {
    Param<S> w, b;
  };
  bool shared() const { return hedgehog_map == "shared"; }
  const Map& map(const FeatureRows<S>& in) const { return in.side == Side::query ? query_ : key_; }
  // The (D,D) matrix of a head.
  Mat<S> of_head(Mat<S> all, Index head, Index d) const { return row_block(all, shared() ? 0 : head * d, d); }

  // Calls task(from, n) for the channels of each softmax.
  template <class Task>
  void for_softmaxes(Index d, Task&& task) const {
    if (hedgehog_softmax == "both_signs") return task(0, 2 * d);
    task(0, d);
    task(d, d);
  }

  Map query_, key_;
};

}  // namespace heed
