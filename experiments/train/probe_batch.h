#pragma once

#include <vector>

#include "core/model/model.h"
#include "core/task.h"

namespace heed {

// The sequences that a trained model is looked at with: the first of the test split, or of the validation
// split where there is no test split.
class ProbeBatch {
 public:
  // At most `most` sequences, fewer where the split has no more.
  ProbeBatch(const Task& task, Index most);

  const std::vector<Token>& tokens() const { return tokens_; }  // (sequences, time)
  const std::vector<Token>& labels() const { return labels_; }
  Split split() const { return split_; }  // that they are of
  Index sequences() const { return sequences_; }
  Index time() const { return time_; }
  Batch batch() const { return {tokens_, labels_, sequences_, time_}; }

 private:
  Index time_, sequences_;
  Split split_;
  std::vector<Token> tokens_, labels_;
};

// How many sequences of a length probes look at: 16, fewer of more than 128 tokens.
Index probe_sequences(Index time);

}  // namespace heed
