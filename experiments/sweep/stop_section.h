#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/options.h"
#include "experiments/sweep/axes.h"
#include "experiments/sweep/stop_rule.h"
#include "experiments/trial/compare_options.h"
#include "experiments/trial/trial_config.h"

namespace heed {

struct Sweep;

// A rule of a sweep, and the parameters whose values compete under it.
struct Stop {
  StopRule rule;
  std::vector<std::string> chosen;  // compare.select, and what the sweep changes together with it
};

// Reads `sweep.stop`. Returns nullopt without that section, and if an override has left compare.select one
// value. Adds a problem if it is wrong, or if the sweep file selects nothing.
std::optional<Stop> read_stop(const Config& tree, const Axes& axes, const CompareOptions& compare,
                              Problems& problems);

// Returns the configuration of a trial without the chosen parameters, as a text. Trials with equal texts
// compete; they have the same variant, task and seed.
std::string contest_text(const TrialConfig& trial, const Stop& stop);

// Refuses a rule under which no two trials of the plan compete.
void check_contests(const Config& tree, const Sweep& sweep, Problems& problems);

}  // namespace heed
