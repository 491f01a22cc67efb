#pragma once

#include <filesystem>
#include <utility>

#include "experiments/budget/step_times.h"
#include "experiments/system/process.h"

namespace heed::cli {

// Runs time_in_turn in a process of its own, so that a variant that crashes or hangs does not harm this one.
// A StepTimer is std::bind_front(time_apart, folder). task_cache: for Registry::set_task_cache. Throws:
// StepTimingFailed with how that process ended; Stopped if a signal asks to stop.
std::pair<double, double> time_apart(const std::filesystem::path& task_cache, const TrialConfig& a,
                                     const TrialConfig& b, int rounds, const Limits& limits);

}  // namespace heed::cli
