#pragma once

#include "core/model/model_spec.h"
#include "core/registry.h"
#include "experiments/bench/bench_input.h"
#include "experiments/bench/timing.h"

namespace heed {

// The speed of a variant: of a mixer on given queries, keys and values, without projections, or of a whole
// layer.
struct AttentionBench {
  bool layer;  // measured with its projections
  Timing forward, backward;
  double forward_flops;  // useful FLOPs; backward has twice as many, without recomputation
  double bytes;          // memory of forward and backward, without inputs, outputs and their gradients
  double ceiling;        // FLOP/s of one core, see timing.h

  double milliseconds() const { return median(forward.cpu) + median(backward.cpu); }
  double flops_per_second() const { return 3e3 * forward_flops / milliseconds(); }  // per core
  double share() const { return flops_per_second() / ceiling; }
};

// Runs at least `repetitions`, after a first one that is not counted, and for at least a fifth of a second.
// A variant that is no mixer is measured as a layer of width heads * width; with `as_layer`, mixers too.
// Throws: heed::Error if the variant refuses the shape.
AttentionBench bench_attention(const Choice& variant, const Registry& registry, const AttentionShape& shape,
                               bool as_layer, int threads, Index repetitions);

}  // namespace heed
