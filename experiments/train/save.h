// What `save: [weights, attention, logits]` keeps of a trial beyond its metrics.
#pragma once

#include "core/model/model.h"
#include "core/task.h"
#include "experiments/trial/trial_config.h"
#include "results/record.h"

namespace heed {

// All parameters by name, group `weights`.
void save_weights(results::Record& record, const Params<float>& params);

// Attention weights and logits of the probe sequences (as many of them as fit into 16 MiB), whichever
// trial.save asks for, with their tokens and labels: groups `attention` and `probe`.
void save_probe(results::Record& record, Model<float>& model, const Task& task, const TrialConfig& trial,
                int threads);

}  // namespace heed
