#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/run/run_directory.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Which of n things are looked at when a sample of them is wanted: spread evenly, the same on every call, all
// where `sample` is not less than n.
std::vector<std::size_t> spread(std::size_t n, std::size_t sample);

// Trials of a run directory that have ended, as a sweep that trains them anew, and how long each took, in
// seconds. Each has the configuration that its own file keeps. heed::Error where this heed gives that
// configuration another id: it trains to other numbers then.
struct Rerun {
  Sweep sweep;
  std::vector<double> seconds;
};
Rerun rerun_of(const RunDirectory& directory, const std::vector<PlanLine>& trials);

// Two files of one trial, compared in every number that does not vary between runs, to the bit.
struct TrialDifference {
  std::size_t numbers = 0;                            // compared
  std::vector<std::string> differences;               // a sentence each, with how much; empty: equal
  std::string recorded_build = {}, again_build = {};  // stamps
};
TrialDifference compare_trials(const std::filesystem::path& recorded, const std::filesystem::path& again);

}  // namespace heed
