#pragma once

#include "core/model/model_spec.h"
#include "core/registry.h"
#include "experiments/bench/bench_input.h"
#include "experiments/bench/timing.h"

namespace heed {

// What one more token costs a layer that decodes token by token.
struct DecodeBench {
  Timing token;            // of each timed token
  double parameter_bytes;  // of the layer; a token reads them, the sequences of a batch share them
  double state_bytes;      // that the decoder keeps of one sequence (LayerDecoder)
  double written_bytes;    // of the state, by one token
  Index batch;

  // Returns the bytes of parameters and state that one token reads and writes. An upper bound if the layer
  // does not read all of its state.
  double traffic_bytes() const {
    return parameter_bytes / static_cast<double>(batch) + state_bytes + written_bytes;
  }
};

// Decodes sequences of shape.length random tokens and times the last `tokens` of them. Requires: tokens is
// from 1 to shape.length. Throws: heed::Error if the variant refuses the shape, or repeats its forward pass
// for each token.
DecodeBench bench_decoding(const Choice& variant, const Registry& registry, const AttentionShape& shape,
                           int threads, Index tokens);

}  // namespace heed
