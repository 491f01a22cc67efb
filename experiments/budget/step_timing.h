#pragma once

#include <functional>
#include <utility>

#include "core/error.h"
#include "core/registry.h"
#include "experiments/sweep/limits.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Returns the processor milliseconds of a training step of two trials (medians), each with one thread. Trains
// them in turn, so that a disturbance of the machine affects both. If a trial grows, its last model is timed.
// Takes some tenths of a second, or more if a step takes long. Runs the variants' own code, so a process that
// must survive a crash of a variant calls this in another process (StepTimer).
std::pair<double, double> time_in_turn(const TrialConfig& a, const TrialConfig& b, const Registry& registry,
                                       int rounds = 15);

// Times two trials as time_in_turn does, within limits. Throws StepTimingFailed.
using StepTimer = std::function<std::pair<double, double>(const TrialConfig& a, const TrialConfig& b,
                                                          int rounds, const Limits& limits)>;

// A variant that was to be timed failed, or exceeded its limits.
class StepTimingFailed : public Error {
 public:
  using Error::Error;
};

}  // namespace heed
