#pragma once

#include <optional>
#include <span>

#include "core/model/batch.h"
#include "core/model/input.h"
#include "core/model/model_spec.h"
#include "core/model/output.h"
#include "core/model/stack.h"
#include "core/ops/cross_entropy.h"
#include "core/registry.h"

namespace heed {

template <class S>
class Decoder;

// What the task's shape asks for:
//     decoder, encoder    scores = output(stack(input))             the stack sees the past, or everything
//     encoder_decoder     scores = output(stack(input, context))    context = encoder stack(encoder input)
// The encoder's parameters are named encoder.*. Scores are computed where there are labels only. Built on
// unfrozen parameters a model can only count; freeze, initialize, then run.
template <class S>
class Model {
 public:
  // Throws heed::Error where a part cannot be built for the spec.
  Model(const ModelSpec& spec, const Registry& registry, Params<S>& params);

  // Adds the gradient of the mean loss over the batch's labels. Goes through the batch in micro-batches (0:
  // chosen from the shape), so that memory does not grow with it.
  Score accumulate(Step<S>& step, const Batch& batch, Index micro_batch = 0);

  // Without gradients. predicted, if not empty, gets the top-1 class of each label, in order; logits, if not
  // empty, its (labels, classes) logits.
  Score evaluate(Step<S>& step, const Batch& batch, std::span<Token> predicted = {},
                 std::span<S> logits = {});

  // The self-attention of a block. Its weights() can be asked for while probe() visits.
  Layer<S>& attention(Index block) { return main_.stack.block(block).attention(); }
  Index blocks() const { return main_.stack.blocks(); }

  // Forward on a few sequences, then visit(model) while what the layers kept is still there. For attention
  // weights.
  template <class Visit>
  void probe(Step<S>& step, const Batch& batch, Visit&& visit) {
    hidden(step, batch);
    visit(*this);
    step.rewind();
  }

  // Sequences that go through the model together: their activations stay in the second-level cache.
  Index micro_batch(Index time, Index source_time = 0) const;

  // Forward, of one sequence with so many labels and, for an encoder-decoder, one source.
  Cost cost(Index time, Index labels, Index source_time = 0) const;

 private:
  friend class Decoder<S>;

  // An input and the stack on it.
  struct Half {
    Half(const Stream& stream, StackSpec<S> stack, const ModelSpec& spec, const Registry& registry,
         Params<S>& params);
    Seq<S> forward(Step<S>& step, const SequenceBatch& in, Index batch, Seq<const S> context);
    void backward(Step<S>& step, Seq<const S> dy, Seq<S> dcontext);

    Input<S> input;
    Stack<S> stack;
  };
  static std::optional<Half> make_encoder(const ModelSpec& spec, const Registry& registry, Params<S>& params);
  static Half make_main(const ModelSpec& spec, const Registry& registry, Params<S>& params);

  Seq<S> hidden(Step<S>& step, const Batch& batch);          // normed output of the last block
  Score learn(Step<S>& step, const Batch& batch, S weight);  // one micro-batch

  Index classes_;
  std::optional<Half> encoder_;  // of an encoder-decoder
  Half main_;
  Output<S> output_;
  Seq<S> context_;  // of the latest forward: what the encoder made of the source
};

extern template class Model<float>;
extern template class Model<double>;

}  // namespace heed
