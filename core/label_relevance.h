#pragma once

#include <cstdint>
#include <span>

#include "core/task.h"

namespace heed {

// A sequence has one label, and the task knows which positions of the input are relevant to it. A task that
// has this property derives from it, as from those of core/task_traits.h.
class LabelRelevanceTraits {
 public:
  virtual ~LabelRelevanceTraits() = default;
  // Returns true if sequences have such positions. Probes then measure the attention of models of vectors,
  // too.
  virtual bool marks_relevance() const = 0;
  // Writes for each position of an example (keys has as many entries) how it is relevant to the label. Here
  // an answer shows a part of what the label names, and a distractor shows something else.
  virtual void label_relevance(Split split, std::uint64_t index, std::span<Relevance> keys) const = 0;
};

// Returns what marks the relevant positions of a task; nullptr if nothing does.
inline const LabelRelevanceTraits* label_relevance_of(const Task& task) {
  const auto* marks = dynamic_cast<const LabelRelevanceTraits*>(&task);
  return marks && marks->marks_relevance() ? marks : nullptr;
}

}  // namespace heed
