// Stores what `save: [weights, attention, logits]` asks for, beyond the metrics.
#pragma once

#include "core/model/model.h"
#include "core/task.h"
#include "experiments/trial/trial_config.h"
#include "results/record.h"

namespace heed {

// Adds all parameters by name, in the group `weights`.
void save_weights(results::Record& record, const Params<float>& params);

// Adds attention weights and logits of the probe sequences (as many as fit into 16 MiB) as trial.save asks
// for, with their tokens and labels: groups `attention` and `probe`.
void save_probe(results::Record& record, Model<float>& model, const Task& task, const TrialConfig& trial,
                int threads);

}  // namespace heed
