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

// A trial that cannot be run again, and why: a sentence.
struct NotAgain {
  PlanLine trial;
  std::string reason;
};

// Trials of a run directory that have ended, as a sweep that trains them again, and how long each took, in
// seconds. Each has the configuration that its own file keeps; where this heed cannot read that, or gives it
// another id, as it trains to other numbers, the trial is not in the sweep.
struct Rerun {
  Sweep sweep;
  std::vector<PlanLine> trials;  // of the sweep
  std::vector<double> seconds;   // of them
  std::vector<NotAgain> refused;
};
Rerun rerun_of(const RunDirectory& directory, const std::vector<PlanLine>& trials);

// Returns why a trial that was run again has no result to compare: it failed or was killed, for example
// because its plugin or text changed or is gone. Empty if it has one. Requires: it has ended.
std::string why_not_again(const RunDirectory& again, const std::string& id);

// Two files of one trial, compared in every number that does not vary between runs, to the bit.
struct TrialDifference {
  std::size_t numbers = 0;                            // compared
  std::vector<std::string> differences;               // a sentence each, with how much; empty: equal
  std::string recorded_build = {}, again_build = {};  // stamps
};
TrialDifference compare_trials(const std::filesystem::path& recorded, const std::filesystem::path& again);

}  // namespace heed
