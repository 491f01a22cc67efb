#pragma once

#include <memory>
#include <vector>

#include "core/registry.h"
#include "core/task.h"
#include "experiments/train/train.h"
#include "experiments/trial/trial_config.h"
#include "results/record.h"

namespace heed {

// Returns the model of a trained trial, with the weights that it saved (group `weights` of its file). task:
// the trial's own (task_of). Throws: heed::Error if a parameter of the model is not among the weights.
std::unique_ptr<SizedModel> saved_model(const TrialConfig& trial, const Task& task,
                                        const std::vector<results::Array>& weights, const Registry& registry);

}  // namespace heed
