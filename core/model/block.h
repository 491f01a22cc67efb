#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/divisible.h"
#include "core/layer.h"
#include "core/ops/norm.h"

namespace heed {

// The context of a sublayer's layer: what the layer reads itself, the encoder's output (cross-attention), or
// the input of the first block.
enum class Context { self, encoder, embeddings };

// The sequences outside of a block that its layers may read, or their gradients. Views without data where
// there is none.
template <class S>
struct Contexts {
  Seq<S> encoder = {}, embeddings = {};
  operator Contexts<const S>() const { return {encoder, embeddings}; }
};

// How a sublayer of a block is made.
template <class S>
struct SublayerSpec {
  std::string name;                                 // "attention", the scope of its layer's parameters
  std::function<std::unique_ptr<Layer<S>>()> make;  // called while that scope is open
  Context context = Context::self;
  Component component = Component::attention;  // of its parameters
  std::string variant = "";                    // its layer's name, for messages
  bool mixes_time = true;                      // Traits::mixes_time
};

// A residual branch with its norm:   y = x + layer(norm(x), c)
// c is norm(x) or one of the contexts. Dropout applies to the output of the layer.
template <class S>
class Sublayer {
 public:
  Sublayer(const std::string& norm_name, Index dim, const NormSpec& norm, const SublayerSpec<S>& spec,
           Params<S>& params);

  // Requires: x and the contexts are not moved or changed until backward.
  void forward(Step<S>& step, Seq<const S> x, const Contexts<const S>& contexts, Seq<S> y);
  // d = dL/dy. Adds the gradient that x gets through the branch into dx, which may be d itself: then d
  // becomes dL/dx. Adds into that of the context which the layer reads.
  void backward(Step<S>& step, Seq<const S> d, Seq<S> dx, const Contexts<S>& dcontexts);

  // Returns the layer's decoder of sequences of up to `length` tokens. encoder: its output, which
  // cross-attention reads now and not later
  std::unique_ptr<LayerDecoder<S>> decoder(Step<S>& step, Index batch, Index length, Seq<const S> encoder);
  // Runs forward on one more token, with that decoder. embeddings: of the token
  void next(Step<S>& step, LayerDecoder<S>& decoder, Seq<const S> x, Seq<const S> embeddings, Seq<S> y);

  // Returns how sequences may be divided among ranks.
  Splits splits() const;
  // Requires: splits() allows the split (core/divisible.h).
  void divide(const ContextParallel& parallel);
  double exchanged_bytes(Index length) const;  // as DivisibleLayer's

  Layer<S>& layer() { return *layer_; }
  const std::string& variant() const { return variant_; }
  Context context() const { return context_; }
  Cost cost(Index time, Index encoder_time) const;  // of one sequence

 private:
  Norm<S> norm_;
  std::unique_ptr<Layer<S>> layer_;
  Context context_;
  std::string name_;  // of its dropout
  std::string variant_;
  bool mixes_time_;
};

// A pre-norm block: its sublayers one after the other. Parameters are named norm1, <name>, norm2, <name>, ...
template <class S>
class Block {
 public:
  Block(Index dim, const NormSpec& norm, const std::vector<SublayerSpec<S>>& sublayers, Params<S>& params);

  // As in Sublayer.
  void forward(Step<S>& step, Seq<const S> x, const Contexts<const S>& contexts, Seq<S> y);
  // d: dL/dy before, dL/dx after.
  void backward(Step<S>& step, Seq<S> d, const Contexts<S>& dcontexts);

  Layer<S>& attention() { return sublayers_.front().layer(); }
  Layer<S>& cross_attention() { return sublayers_[1].layer(); }  // Requires: the block has one
  std::vector<Sublayer<S>>& sublayers() { return sublayers_; }
  const std::vector<Sublayer<S>>& sublayers() const { return sublayers_; }
  Cost cost(Index time, Index encoder_time) const;

 private:
  std::vector<Sublayer<S>> sublayers_;
};

extern template class Sublayer<float>;
extern template class Sublayer<double>;
extern template class Block<float>;
extern template class Block<double>;

}  // namespace heed
