#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "core/context_split.h"
#include "core/model/batch.h"

namespace heed {

// One rank's part of batches whose sequences are divided among ranks (docs/context-parallelism.md): of each
// sequence the tokens and labels of its pieces, one after the other.
class OwnPart {
 public:
  OwnPart(Communicator& communicator, ContextSplit split) : parallel_{communicator, std::move(split), {}} {}

  const ContextParallel& parallel() const { return parallel_; }  // of the latest batch

  // Returns this rank's part; valid until the next call. Requires: a batch of tokens with a label at each
  // position, the same on all ranks.
  Batch of(const Batch& whole);

  // For each scored label of the latest part, in order: its place among the scored labels of the whole.
  std::span<const std::size_t> places() const { return places_; }

 private:
  ContextParallel parallel_;
  std::vector<Token> tokens_, labels_;
  std::vector<Index> lengths_;
  std::vector<std::size_t> places_;
};

}  // namespace heed
