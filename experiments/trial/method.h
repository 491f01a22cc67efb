#pragma once

#include <memory>
#include <string>

#include "core/optimizer.h"
#include "core/registry.h"
#include "core/schedule.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Returns why the schedule does not suit the number of steps, as a sentence; empty if it does.
std::string refuse_schedule(const TrialConfig& trial, const Registry& registry);

// Requires: refuse_schedule is empty.
std::unique_ptr<Schedule> make_schedule(const TrialConfig& trial, const Registry& registry);
// Requires: params are frozen and outlive the optimizer.
std::unique_ptr<Optimizer<float>> make_optimizer(const TrialConfig& trial, const Registry& registry,
                                                 Params<float>& params);

// Returns how many numbers the optimizer keeps for each parameter: 2 for AdamW.
Index state_vectors(const TrialConfig& trial, const Registry& registry);

}  // namespace heed
