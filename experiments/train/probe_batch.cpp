#include "experiments/train/probe_batch.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace heed {

ProbeBatch::ProbeBatch(const Task& task, Index most)
    : time_(task.length()), split_(task.size(Split::test) == Index{0} ? Split::validation : Split::test) {
  sequences_ = std::min(most, task.size(split_).value_or(most));
  tokens_.resize(static_cast<std::size_t>(sequences_ * time_)), labels_.resize(tokens_.size());
  for (Index i = 0; i < sequences_; ++i) {
    const auto row = [&](std::vector<Token>& all) {
      return std::span(all).subspan(static_cast<std::size_t>(i * time_), static_cast<std::size_t>(time_));
    };
    task.sequence(split_, static_cast<std::uint64_t>(i), row(tokens_), row(labels_));
  }
}

Index probe_sequences(Index time) { return std::clamp<Index>(2048 / time, 1, 16); }

}  // namespace heed
