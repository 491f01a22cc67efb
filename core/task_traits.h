#pragma once

#include <optional>
#include <span>

#include "core/task.h"

namespace heed {

// Properties that only some tasks have. A task that has one derives from it, too; dynamic_cast finds it.

// The task is a text, so that its loss can be given in bits per byte.
class TextTraits {
 public:
  virtual ~TextTraits() = default;
  // Returns how many bytes of text all scored positions of a split stand for; nullopt if the split is
  // endless.
  virtual std::optional<Index> scored_bytes(Split split) const = 0;
};

// The task reports accuracy by the depth of the answer.
class DepthTraits {
 public:
  virtual ~DepthTraits() = default;
  // Returns where the answer to the label of position `query` is: 0 at the beginning of the context, 1 at its
  // end. Requires: the query is scored.
  virtual double depth(std::span<const Token> tokens, Index query) const = 0;
};

// All labels of a sequence may be predicted from the output at its last position (core/model/expansion.h).
class FromLastTraits {
 public:
  virtual ~FromLastTraits() = default;
  virtual bool predicts_from_last() const { return true; }
};

inline bool predicts_from_last(const Task& task) {
  const auto* traits = dynamic_cast<const FromLastTraits*>(&task);
  return traits && traits->predicts_from_last();
}

}  // namespace heed
