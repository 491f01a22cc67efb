#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/model/block.h"
#include "core/model/model_spec.h"
#include "core/registry.h"

namespace heed {

// What distinguishes a stack from the other stacks of a model.
template <class S>
struct StackSpec {
  Index layers = 1;
  std::vector<Choice> attention = {};        // block i has attention[i % size]
  std::vector<Choice> cross_attention = {};  // the same; empty: blocks without it
  bool causal = true;
  Index length = 0, context_length = 0;   // of the longest sequence, and of the longest context
  const Position<S>* position = nullptr;  // of the sequences; cross-attention has none. Outlives the stack.
};

// Blocks one after the other and a norm:   y = norm(block_n(... block_1(x)))
// Each block attends to x, and to the context if it has cross-attention. A layer may also read the input of
// the first block (Traits::reads_embeddings). Parameters: blocks.<i>.*, norm.*
template <class S>
class Stack {
 public:
  // Throws heed::Error if a variant cannot be built for the spec.
  Stack(const StackSpec<S>& spec, const ModelSpec& model, const Registry& registry, Params<S>& params);

  // Requires: x and context are not moved or changed until backward.
  Seq<S> forward(Step<S>& step, Seq<const S> x, Seq<const S> context);
  // Writes dx, adds into dcontext.
  void backward(Step<S>& step, Seq<const S> dy, Seq<S> dx, Seq<S> dcontext);

  // Returns a decoder for each sublayer, in order. They do not read the context later. Throws: heed::Error if
  // self-attention is not causal.
  std::vector<std::unique_ptr<LayerDecoder<S>>> decoders(Step<S>& step, Index batch, Index length,
                                                         Seq<const S> context);
  // Runs forward on one more token x (B,1,C), with these decoders.
  Seq<S> next(Step<S>& step, std::span<const std::unique_ptr<LayerDecoder<S>>> decoders, Seq<const S> x);

  // Returns how sequences may be divided among ranks: what every layer claims. Throws: heed::Error with the
  // name of a variant that needs whole sequences.
  Splits splits() const;
  void divide(const ContextParallel& parallel);  // Requires: splits() allows the split
  // Returns what the layers of all ranks send for one sequence, forward and backward.
  double exchanged_bytes(Index length) const;

  // Returns the residual stream of the latest forward: the input of the first block and the output of each.
  // Valid until the step is rewound.
  std::span<const Seq<const S>> residual() const { return residual_; }

  Block<S>& block(Index i) { return blocks_[static_cast<std::size_t>(i)]; }
  Index blocks() const { return std::ssize(blocks_); }
  Cost cost(Index time, Index context_time) const;  // of one sequence

 private:
  bool reads_embeddings() const;

  std::vector<Block<S>> blocks_;
  std::optional<Norm<S>> norm_;
  std::vector<Seq<const S>> residual_;
};

extern template class Stack<float>;
extern template class Stack<double>;

}  // namespace heed
