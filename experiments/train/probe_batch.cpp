#include "experiments/train/probe_batch.h"

#include <algorithm>
#include <cstdint>

namespace heed {

ProbeBatch::ProbeBatch(const Task& task, Index most)
    : split_(task.size(Split::test) == Index{0} ? Split::validation : Split::test),
      examples_(task, std::min(most, task.size(split_).value_or(most))) {
  for (Index i = 0; i < sequences(); ++i) examples_.fill(i, split_, static_cast<std::uint64_t>(i));
}

bool ProbeBatch::can_probe(const TaskShape& shape) {
  return shape.input.kind == Stream::Kind::tokens && shape.source.kind != Stream::Kind::vectors;
}

Index probe_sequences(Index time) { return std::clamp<Index>(2048 / time, 1, 16); }

}  // namespace heed
