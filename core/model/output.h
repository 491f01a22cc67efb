#pragma once

#include <optional>
#include <span>

#include "core/model/batch.h"
#include "core/model/expansion.h"
#include "core/model/model_spec.h"
#include "core/params.h"
#include "core/step.h"

namespace heed {

// Scores of the classes, for each label:   z = h W + b
// h is the row of the last norm at the label's position, or the pooled sequence: the mean of its rows, its
// first row or its last. A sequence without rows is pooled to zeros. With ModelSpec::expand, h is the
// expansion (core/model/expansion.h) of the sequence's last row at the label's position. Parameters: head
// (C,V), unless W is the transposed table of tokens; head.bias
template <class S>
class Output {
 public:
  // table: of tokens, or null if W is a separate parameter
  Output(const ModelSpec& spec, Param<S> table, Params<S>& params);

  // Maps hidden (B,T,C) to (labels, V), in the order of the batch. Requires: hidden is not moved or changed
  // until backward.
  Mat<S> forward(Step<S>& step, Seq<const S> hidden, const Batch& batch);
  // Reads dz (labels, V), writes dhidden, adds to the gradients.
  void backward(Step<S>& step, Mat<S> dz, Seq<S> dhidden);

  std::span<const Token> labels() const { return labels_; }  // of the latest forward's rows
  double flops(Index labels) const {
    return 2.0 * static_cast<double>(labels * dim_ * classes_) + (expansion_ ? expansion_->flops(labels) : 0);
  }
  bool expands() const { return expansion_.has_value(); }

 private:
  // Consecutive rows whose mean is scored.
  struct Scored {
    Index first, rows;
  };
  Scored pooled(Seq<const S> hidden, Index b) const;
  void find_labels(Step<S>& step, Seq<const S> hidden, const Batch& batch);

  Index dim_, classes_;
  Pool pool_;
  std::optional<Expansion<S>> expansion_;  // with ModelSpec::expand
  Param<S> table_, head_, bias_;           // one of table_ and head_ is null
  // of the latest forward
  std::span<Scored> scored_;
  std::span<Token> labels_;
  std::span<Index> positions_;  // of the labels
  Seq<S> h_;
};

extern template class Output<float>;
extern template class Output<double>;

}  // namespace heed
