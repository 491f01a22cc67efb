#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "experiments/sweep/stop_section.h"
#include "experiments/train/training.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// What a rule saw and decided at a rung.
struct Rung {
  Index step = 0;
  RungResult result;
  std::string metric;                     // of the numbers in `result`
  std::string rule;                       // with its options, in one line
  std::optional<Decision> decision = {};  // none yet: the result was published first
  std::vector<std::string> seen = {};     // ids of the trials whose results at this step were compared
};

// Trials that compete share a folder, `rungs/<contest>`, with a file <id>.tsv for each trial that has reached
// a rung: its results and the decisions. A trial first publishes its result, then reads those of the others.
// So of two trials that reach a rung together, one at least sees the other, and every decision follows from
// the results that its line names. Files stay, also of trials that a later sweep file does not have.
struct Contest {
  StopRule rule;
  std::filesystem::path folder;
  std::filesystem::path leader;  // file of the trial of the first seed, which decides; empty: this trial does
};

Contest contest_of(const TrialConfig& trial, const Stop& stop, std::uint64_t first_seed,
                   const std::filesystem::path& rungs, const std::filesystem::path& trials);

std::string rule_text(const StopRule& rule);

// Returns what a rule compares of a training after its latest validation. Requires: there is one.
RungResult result_of(const StopRule& rule, const TrainLog& log);

// Returns the lines of a trial; none if it has no file, or a damaged one.
std::vector<Rung> read_rungs(const std::filesystem::path& file);

// Returns the decision that a trial's result at a step leads to, and records both. A decision that was made
// before, under the same rule, stays. Throws: results::IoError.
Decision judge(const Contest& contest, const std::string& id, Index step, const RungResult& own);

// Returns why a training stops after its latest validation, or an empty string: a rung's decision, or the
// end of its leader. Throws: results::IoError.
std::string why_stopped(const Contest& contest, const std::string& id, const TrainLog& log);

// Returns why a trial does not start, or an empty string: its leader was stopped. Throws: results::IoError.
std::string why_not_started(const Contest& contest);

}  // namespace heed
