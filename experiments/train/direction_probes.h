#pragma once

#include "core/model/model.h"
#include "core/task.h"
#include "results/record.h"

namespace heed {

// Measures angles in a trained model (docs/probes.md): between rows of its embedding, between keys of its
// parameter tokens (parameters named *.key_tokens), and between vectors of the residual stream on the probe
// sequences, with the similarity of a token's vectors in different contexts. Adds the metrics, and the arrays
// probes/residual_<measure> (residual): before the first block and after each. `dim`: the model's width.
void add_direction_probes(results::Record& record, Model<float>& model, const Params<float>& params,
                          const Task& task, Index dim, int threads);

// Adds the same metrics without values, for a trial that diverged.
void add_no_direction_probes(results::Record& record);

}  // namespace heed
