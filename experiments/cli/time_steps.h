#pragma once

#include <utility>

#include "experiments/budget/step_times.h"
#include "experiments/system/process.h"

namespace heed::cli {

// A StepTimer: time_in_turn in a process of its own, which a variant may crash or hang without harm to this
// one. StepTimingFailed says how that process ended; Stopped where a signal asked for it.
std::pair<double, double> time_apart(const TrialConfig& a, const TrialConfig& b, int rounds,
                                     const Limits& limits);

}  // namespace heed::cli
