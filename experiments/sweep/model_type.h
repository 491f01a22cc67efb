#pragma once

#include "core/config.h"
#include "core/registry.h"
#include "core/task.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Sets the type of a trial's model, that of the task or `model.type`, and its pool. Refuses keys of `model`
// that have no effect on a model of this type. `sections`: those of the trial's point, as sections_at returns
// them. Returns whether they are right. Requires: the sections are resolved into the trial.
bool resolve_type(const Config& sections, const Task& task, const Registry& registry, TrialConfig& trial,
                  Problems& problems);

// Fills in where an encoder-decoder has attention besides its decoder's self-attention: what the sweep file
// sets, or the variants of the decoder. Softmax takes the place of a variant that does not support it. Does
// nothing to a model of another type.
void set_places(TrialConfig& trial, const Registry& registry);

}  // namespace heed
