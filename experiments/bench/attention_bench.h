#pragma once

#include "core/model/model_spec.h"
#include "core/registry.h"
#include "experiments/bench/timing.h"

namespace heed {

struct AttentionShape {
  Index batch = 8, heads = 4, width = 32, length = 512;
  bool causal = true;
};

// How fast a variant mixes given queries, keys and values, without projections.
struct AttentionBench {
  Timing forward, backward;
  double forward_flops;  // useful ones; backward has twice as many: what is made again does not count
  double bytes;          // that forward and backward take beside q, k, v, o and their gradients
  double ceiling;        // FLOP/s of one core, see timing.h

  double milliseconds() const { return median(forward.cpu) + median(backward.cpu); }
  double flops_per_second() const { return 3e3 * forward_flops / milliseconds(); }  // per core
  double share() const { return flops_per_second() / ceiling; }
};

// At least `repetitions` after a first one that is not counted, and at least a fifth of a second of them.
// heed::Error where the variant is no mixer or refuses the shape.
AttentionBench bench_attention(const Choice& variant, const Registry& registry, const AttentionShape& shape,
                               int threads, Index repetitions);

}  // namespace heed
