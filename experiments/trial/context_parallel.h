#pragma once

#include <string>
#include <vector>

#include "core/model/model.h"
#include "core/registry.h"
#include "core/task.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Returns why a trial cannot run on several ranks with a part of each sequence, a sentence for each reason;
// none if it can, or runs on one.
std::vector<std::string> context_parallel_mistakes(const TrialConfig& trial, const Task& task,
                                                   const Registry& registry);

// Returns the bytes that all ranks together send in a training step of a trial on several: what the layers
// exchange for each sequence, the sum of all gradients, that of the score, and whether rank 0 goes on.
// Requires: a model of the trial, not divided; no mistakes.
double exchanged_bytes(const TrialConfig& trial, const Params<float>& params, Model<float>& model,
                       Index length);

}  // namespace heed
