// Training steps that a trial has in common with longer ones.
#pragma once

#include <string>

#include "core/registry.h"
#include "core/task.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Returns how many first training steps would be the same with another number of steps in all: those before
// the first learning rate that differs. Requires: the schedule suits both numbers (refuse_schedule).
Index common_steps(const TrialConfig& trial, Index steps, const Registry& registry);

// Returns the step after which a trial keeps its state for longer ones: the last one that it has in common
// with a trial of twice as many steps. All for the schedule `constant`, those before the decay for `wsd`.
Index kept_step(const TrialConfig& trial, const Registry& registry);

// Returns why no longer trial can continue this one, or an empty string: the learning rates or the orders of
// the task depend on train.steps from the start.
std::string refuse_lengthening(const TrialConfig& trial, const Task& task, const Registry& registry);

// Returns the id of the trial with defaults for what does not decide its first training steps: their number,
// when it is validated, and what is tested and saved after training. It is the same for trials that begin
// alike, as long as their learning rates do (common_steps).
std::string first_steps_id(const TrialConfig& trial);

}  // namespace heed
