#pragma once

#include "core/model/model.h"
#include "core/task.h"
#include "results/record.h"

namespace heed {

// Longer sequences are not probed, because a map of (T,T) weights would need more memory than the training.
// Two limits are lower: the effective rank has cubic cost, and comparing heads needs the maps of all heads.
inline constexpr Index kLongestProbed = 2048, kLongestRanked = 512, kLongestCompared = 512;

// Measures the attention of a trained model on the probe sequences (probe_sequences(T) of them), and adds
// the results: the metrics attention_<measure>, and the arrays probes/<measure> (layer, head). Of an
// encoder-decoder, also those of the encoder's attention and of cross-attention (kAttentionPrefixes).
// Definitions: docs/probes.md. Allocates one map of weights at a time; up to kLongestCompared those of a
// layer.
void add_probes(results::Record& record, Model<float>& model, const Task& task, int threads);

// Adds the same metrics without values, for a model that has no attention weights.
void add_no_probes(results::Record& record);

}  // namespace heed
