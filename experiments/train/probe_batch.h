#pragma once

#include <span>
#include <vector>

#include "core/model/model.h"
#include "core/model/sequences.h"
#include "core/task.h"

namespace heed {

// The examples on which a trained model is probed: the first of the test split, or of the validation split
// if there is no test split.
class ProbeBatch {
 public:
  // Returns true for tasks of tokens, in one stream or two. Others have no tokens to show.
  static bool can_probe(const TaskShape& shape);

  // Reads `most` sequences, or fewer if the split has fewer.
  ProbeBatch(const Task& task, Index most);

  std::span<const Token> tokens() const { return batch().input.tokens; }   // (sequences, time)
  std::span<const Token> source() const { return batch().source.tokens; }  // (sequences, source time)
  std::span<const Token> labels() const { return examples_.labels; }  // as tokens, or one of each sequence
  Split split() const { return split_; }                              // of the sequences
  Index sequences() const { return examples_.batch(); }
  Index time() const { return examples_.shape.input.length; }
  Index source_time() const { return examples_.shape.source.length; }  // 0: there is no source
  Batch batch() const { return examples_.first(sequences()); }

 private:
  Split split_;
  Sequences examples_;
};

// Returns how many sequences of a length are probed: 16, or fewer if they have more than 128 tokens.
Index probe_sequences(Index time);

}  // namespace heed
