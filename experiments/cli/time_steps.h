#pragma once

#include <utility>

#include "experiments/match/step_times.h"

namespace heed::cli {

// Somebody asked to stop while steps were timed (exit code 75).
class Stopped : public Error {
 public:
  using Error::Error;
};

// A StepTimer: time_in_turn in a process of its own, which a variant may crash or hang without harm to this
// one. StepTimingFailed says how that process ended.
std::pair<double, double> time_apart(const TrialConfig& a, const TrialConfig& b, int rounds,
                                     const Limits& limits);

}  // namespace heed::cli
