#pragma once

#include <memory>

#include "core/registry.h"
#include "core/task.h"
#include "experiments/train/train.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Returns a model for the sequences of `task`, with trained parameters, if they are longer than those that
// the model was trained on (`own`). Tables of positions and patterns end at the trained length, so the longer
// model has fixed tables of its own. Returns null if the trained model reads the sequences as it is.
// Requires: the trained parameters do not depend on the length (refuse_longer).
std::unique_ptr<SizedModel> longer_model(const TrialConfig& trial, const Task& task, const TaskShape& own,
                                         Params<float>& trained, const Registry& registry);

}  // namespace heed
