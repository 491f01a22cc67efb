#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/model/batch.h"
#include "core/model/input.h"
#include "core/model/model_spec.h"
#include "core/model/output.h"
#include "core/model/own_part.h"
#include "core/model/stack.h"
#include "core/ops/cross_entropy.h"
#include "core/registry.h"

namespace heed {

template <class S>
class Decoder;

// Where a model has attention. A decoder or an encoder has `self` only. Of an encoder-decoder, `self` is the
// decoder's self-attention.
enum class AttentionPlace { self, encoder, cross };

// A model of the type that the task's shape requires:
//     decoder, encoder    scores = output(stack(input))             the stack sees the past, or everything
//     encoder_decoder     scores = output(stack(input, context))    context = encoder stack(encoder input)
// The encoder's parameters are named encoder.*. Scores are computed only at labels. With unfrozen parameters
// a model can only count costs; freeze and initialize them before the first pass.
template <class S>
class Model {
 public:
  // Throws: heed::Error if a part cannot be built for the spec.
  Model(const ModelSpec& spec, const Registry& registry, Params<S>& params);

  // Runs forward and backward: adds the gradient of the mean loss over the batch's labels. Divides the batch
  // into micro-batches (0: the size follows from the shape), so that memory does not grow with the batch.
  Score accumulate(Step<S>& step, const Batch& batch, Index micro_batch = 0);

  // Runs forward only. Writes the top-1 class of each label, in order, into predicted, and the logits
  // (labels, classes) into logits, if they are not empty.
  Score evaluate(Step<S>& step, const Batch& batch, std::span<Token> predicted = {},
                 std::span<S> logits = {});

  // Returns how the sequences may be divided among ranks. Throws: heed::Error with the reason if they cannot.
  Splits splits() const;
  // From now on this is one rank of several with the same model (docs/context-parallelism.md). accumulate and
  // evaluate get the whole batch on every rank, run on this rank's part of each sequence, and return what
  // they return on one rank, except for gradients: theirs are to be summed over the ranks. Throws: as
  // splits(). Requires: `communicator` outlives it.
  void divide(Communicator& communicator);
  // Returns what the layers of all ranks send for one sequence, forward and backward; 0 on one rank.
  double exchanged_bytes(Index time) const { return main_.stack.exchanged_bytes(time); }

  // Returns the attention of a block. Its weights() can be called during the visit of probe(). Requires: the
  // model has attention there.
  Layer<S>& attention(Index block, AttentionPlace place = AttentionPlace::self);
  // Returns how many blocks have attention at this place; 0 if the model has no such place.
  Index blocks(AttentionPlace place = AttentionPlace::self) const;

  // Returns the residual stream of the latest forward (core/model/stack.h), of an encoder-decoder the
  // decoder's. Of each sequence, the last rows are its tokens. Requires: called during the visit of probe().
  std::span<const Seq<const S>> residual() const { return main_.stack.residual(); }

  // Runs forward on a few sequences, then calls visit(model) while the layers still have what they kept. For
  // attention weights and the residual stream.
  template <class Visit>
  void probe(Step<S>& step, const Batch& batch, Visit&& visit) {
    hidden(step, batch);
    visit(*this);
    step.rewind();
  }

  // Returns how many sequences to run together so that their activations fit into the second-level cache.
  Index micro_batch(Index time, Index source_time = 0) const;

  // Returns the cost of forward on one sequence (with its source, in an encoder-decoder). labels: how many
  // of its positions are scored.
  Cost cost(Index time, Index labels, Index source_time = 0) const;

 private:
  friend class Decoder<S>;

  // The encoder or the decoder: an input and the stack above it.
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
  Batch own(const Batch& batch) { return own_ ? own_->of(batch) : batch; }
  Score of_all_ranks(const Score& score);

  Index classes_;
  bool causal_;
  std::string why_whole_;        // why sequences cannot be divided among ranks, whatever the layers claim
  std::optional<Half> encoder_;  // of an encoder-decoder
  Half main_;
  Output<S> output_;
  Seq<S> context_;                // of the latest forward: the encoder's output
  std::unique_ptr<OwnPart> own_;  // of divide()
};

extern template class Model<float>;
extern template class Model<double>;

}  // namespace heed
