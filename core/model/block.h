#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/layer.h"
#include "core/ops/norm.h"

namespace heed {

// How a sublayer of a block is made.
template <class S>
struct SublayerSpec {
  std::string name;                                 // "attention", the scope of its layer's parameters
  std::function<std::unique_ptr<Layer<S>>()> make;  // called while that scope is open
  bool cross = false;                               // does the layer attend to the block's context?
  Component component = Component::attention;       // of its parameters
};

// A residual branch with its norm:   y = x + layer(norm(x), c)
// c is norm(x), or the block's context in cross-attention. Dropout applies to the output of the layer.
template <class S>
class Sublayer {
 public:
  Sublayer(const std::string& norm_name, Index dim, const NormSpec& norm, const SublayerSpec<S>& spec,
           Params<S>& params);

  // Requires: x and context are not moved or changed until backward.
  void forward(Step<S>& step, Seq<const S> x, Seq<const S> context, Seq<S> y);
  // d = dL/dy. Adds the gradient that x gets through the branch into dx, which may be d itself: then d
  // becomes dL/dx. Adds into dcontext if the layer attends to the context.
  void backward(Step<S>& step, Seq<const S> d, Seq<S> dx, Seq<S> dcontext);

  // Returns the layer's decoder. Throws: heed::Error if the layer attends to the context.
  std::unique_ptr<LayerDecoder<S>> decoder(Index batch, Index length);
  // Runs forward on one more token, with that decoder.
  void next(Step<S>& step, LayerDecoder<S>& decoder, Seq<const S> x, Seq<S> y);

  Layer<S>& layer() { return *layer_; }
  Cost cost(Index time, Index context_time) const;  // of one sequence

 private:
  Norm<S> norm_;
  std::unique_ptr<Layer<S>> layer_;
  bool cross_;
  std::string name_;  // of its dropout
};

// A pre-norm block: its sublayers one after the other. Parameters are named norm1, <name>, norm2, <name>, ...
template <class S>
class Block {
 public:
  Block(Index dim, const NormSpec& norm, const std::vector<SublayerSpec<S>>& sublayers, Params<S>& params);

  void forward(Step<S>& step, Seq<const S> x, Seq<const S> context, Seq<S> y);  // as in Sublayer
  // d: dL/dy before, dL/dx after.
  void backward(Step<S>& step, Seq<S> d, Seq<S> dcontext);

  Layer<S>& attention() { return sublayers_.front().layer(); }
  std::vector<Sublayer<S>>& sublayers() { return sublayers_; }
  Cost cost(Index time, Index context_time) const;

 private:
  std::vector<Sublayer<S>> sublayers_;
};

extern template class Sublayer<float>;
extern template class Sublayer<double>;
extern template class Block<float>;
extern template class Block<double>;

}  // namespace heed
