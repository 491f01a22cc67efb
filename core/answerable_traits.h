#pragma once

#include <span>

#include "core/task.h"

namespace heed {

// The task may ask for what its sequences do not contain (core/task_traits.h explains traits). The results
// then have the confidence of the model on both kinds of questions.
class AnswerableTraits {
 public:
  virtual ~AnswerableTraits() = default;
  // Returns true if some scored positions of the test split cannot be answered.
  virtual bool asks_unanswerable() const = 0;
  // Returns true if the tokens before `query` determine its answer. Requires: the query is scored.
  virtual bool is_answerable(std::span<const Token> tokens, Index query) const = 0;
};

inline bool asks_unanswerable(const Task& task) {
  const auto* traits = dynamic_cast<const AnswerableTraits*>(&task);
  return traits && traits->asks_unanswerable();
}

}  // namespace heed
