#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/run/run_directory.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Returns `sample` indices of 0 .. n-1, evenly spaced: the same in every call. All of them if sample >= n.
std::vector<std::size_t> evenly_spaced(std::size_t n, std::size_t sample);

// A trial that cannot be run again.
struct NotAgain {
  PlanLine trial;
  std::string reason;  // a sentence
};

// Ended trials of a run directory, as a sweep that trains them again. Each has the configuration that is
// stored in its own file. `refused`: trials whose file is damaged, whose configuration this heed cannot read,
// or to which it gives another id, because it would train them differently.
struct Rerun {
  Sweep sweep;
  std::vector<PlanLine> trials;  // of the sweep
  std::vector<double> seconds;   // that each of these took
  std::vector<NotAgain> refused;
};
Rerun rerun_of(const RunDirectory& directory, const std::vector<PlanLine>& trials);

// Returns why a trial that was run again has no result to compare: it failed or was killed, for example
// because its plugin or text changed or is gone. Empty if it has one. Requires: it has ended.
std::string why_not_again(const RunDirectory& again, const std::string& id);

// The comparison of two files of one trial: of every number that does not vary between runs, to the bit.
struct TrialDifference {
  std::size_t numbers = 0;                            // compared
  std::vector<std::string> differences;               // a sentence each, with how much; empty: equal
  std::string recorded_build = {}, again_build = {};  // stamps
};
TrialDifference compare_trials(const std::filesystem::path& recorded, const std::filesystem::path& again);

}  // namespace heed
