#pragma once

#include <span>
#include <vector>

#include "core/model/model.h"
#include "core/model/sequences.h"
#include "core/task.h"

namespace heed {

// The sequences that a trained model is looked at with: the first of the test split, or of the validation
// split if there is no test split.
class ProbeBatch {
 public:
  // Probes know tasks of one stream of tokens with a label at each position.
  static bool can_probe(const TaskShape& shape);

  // At most `most` sequences, fewer if the split has no more. Requires: can_probe.
  ProbeBatch(const Task& task, Index most);

  std::span<const Token> tokens() const { return batch().input.tokens; }  // (sequences, time)
  std::span<const Token> labels() const { return examples_.labels; }
  Split split() const { return split_; }  // that they are of
  Index sequences() const { return examples_.batch(); }
  Index time() const { return examples_.shape.input.length; }
  Batch batch() const { return examples_.first(sequences()); }

 private:
  Split split_;
  Sequences examples_;
};

// How many sequences of a length probes look at: 16, fewer of more than 128 tokens.
Index probe_sequences(Index time);

}  // namespace heed
