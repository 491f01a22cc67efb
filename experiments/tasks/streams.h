#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/rng.h"
#include "core/task.h"

namespace heed {

constexpr double kMaxVocabulary = 1 << 24,
                 kMaxLength = 1 << 24;  // larger than any use; catches typing errors

// The random streams of a generated task, one per split. No two splits share a draw. Sequence i of a split
// depends only on the seed, the task's name and i. Thread-safe.
class Streams {
 public:
  Streams(std::uint64_t seed, const std::string& task)
      : of_split_{Rng(seed, task + " train"), Rng(seed, task + " validation"), Rng(seed, task + " test")} {}

  Draws at(Split split, std::uint64_t index) const {
    return of_split_[static_cast<std::size_t>(split)].at(index);
  }

 private:
  std::array<Rng, 3> of_split_;  // in the order of Split
};

// Returns one of first .. first + count - 1 with equal probability.
inline Token draw_token(Draws& draws, Index first, Index count) {
  return static_cast<Token>(first + draws.below(count));
}

}  // namespace heed
