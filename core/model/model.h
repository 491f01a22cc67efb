#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/model/block.h"
#include "core/model/model_spec.h"
#include "core/ops/cross_entropy.h"
#include "core/registry.h"

namespace heed {

// Some sequences with their labels: tokens and labels are (batch, time), row by row.
struct Batch {
  std::span<const Token> tokens, labels;
  Index batch = 0, time = 0;

  Batch part(Index from, Index sequences) const;  // sequences from .. from + sequences - 1
  Index scored() const;                           // labels that are not kUnscored
};

// Token embedding, positions, blocks, a final norm and a head:   logits = norm(blocks(embed(tokens))) W.
// Logits are computed at scored positions only. Built on unfrozen parameters it can only count; freeze,
// initialize, then run.
template <class S>
class Model {
 public:
  // heed::Error where a variant can't be built for the spec.
  Model(const ModelSpec& spec, const Registry& registry, Params<S>& params);

  // Adds the gradient of the mean loss over the batch's scored positions. Goes through the batch in
  // micro-batches (0: chosen from the shape), so that memory does not grow with it.
  Score accumulate(Step<S>& step, const Batch& batch, Index micro_batch = 0);

  // Without gradients. predicted, if not empty, gets the likeliest token of each scored position, in order;
  // logits, if not empty, its (scored, V) logits.
  Score evaluate(Step<S>& step, const Batch& batch, std::span<Token> predicted = {},
                 std::span<S> logits = {});

  // Its weights() can be asked for while probe() visits.
  Layer<S>& attention(Index block) { return blocks_[static_cast<std::size_t>(block)]->attention(); }

  // Forward on a few sequences, then visit(model) while what the layers kept is still there. For attention
  // weights.
  template <class Visit>
  void probe(Step<S>& step, const Batch& batch, Visit&& visit) {
    hidden(step, batch);
    visit(*this);
    step.rewind();
  }

  Cost cost(Index time, Index scored) const;  // forward, of one sequence with so many scored positions
  Index micro_batch(Index time) const;        // sequences that keep activations in the second-level cache
  Index blocks() const { return static_cast<Index>(blocks_.size()); }

 private:
  Seq<S> hidden(Step<S>& step, const Batch& batch);  // normed output of the last block
  Mat<S> gather(Step<S>& step, const Batch& batch, Seq<const S> hidden,
                std::span<Token>& labels) const;  // its scored rows
  Mat<S> logits(Step<S>& step, Mat<S> rows) const;
  Score learn(Step<S>& step, const Batch& batch, S weight);  // one micro-batch

  ModelSpec spec_;
  Param<S> embedding_, head_;  // head_ is null where it is tied
  std::unique_ptr<Position<S>> position_;
  std::vector<std::unique_ptr<Block<S>>> blocks_;
  std::unique_ptr<Norm<S>> norm_;
  std::vector<Seq<S>>
      streams_;  // the residual stream before each block and after the last, of the latest forward
};

// Numbers of a part of a model. Papers count matrices and leave out biases, gains and position tables.
struct ComponentCount {
  std::string component;  // attention, feed-forward, embedding, head, biases, norms, positions
  Index parameters = 0;
};
template <class S>
std::vector<ComponentCount> count_components(const Params<S>& params);

extern template class Model<float>;
extern template class Model<double>;

}  // namespace heed
