#pragma once

#include "core/model/model_spec.h"
#include "core/registry.h"
#include "experiments/bench/bench_input.h"

namespace heed {

// What a forward and backward pass of a layer costs on one of several ranks: the most of any rank.
struct RankBench {
  double milliseconds = 0;  // processor time, without waiting for other ranks
  double memory_bytes = 0;  // of its part of x, y and their gradients, and what the layer keeps
  double sent_bytes = 0;    // in messages
};

// Runs a layer with its projections on `ranks` threads of this process, each with a part of every sequence,
// as often as `repetitions` says, and returns the median time. Throws: heed::Error if the variant refuses the
// shape, or cannot divide sequences.
RankBench bench_ranks(const Choice& variant, const Registry& registry, const AttentionShape& shape, int ranks,
                      Index repetitions);

}  // namespace heed
