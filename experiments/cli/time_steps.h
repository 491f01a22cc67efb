#pragma once

#include <utility>

#include "experiments/budget/step_times.h"
#include "experiments/system/process.h"

namespace heed::cli {

// A StepTimer that runs time_in_turn in a process of its own, so that a variant that crashes or hangs does
// not harm this one. Throws: StepTimingFailed with how that process ended; Stopped if a signal asks to
// stop.
std::pair<double, double> time_apart(const TrialConfig& a, const TrialConfig& b, int rounds,
                                     const Limits& limits);

}  // namespace heed::cli
