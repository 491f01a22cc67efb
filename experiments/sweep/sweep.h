#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/registry.h"
#include "experiments/match/match.h"
#include "experiments/match/step_times.h"
#include "experiments/sweep/limits.h"
#include "experiments/sweep/trial_config.h"

namespace heed {

// What `heed compare` looks at by default.
struct CompareOptions {
  std::string metric = "test_accuracy", reference, select;
  std::size_t planned = 0;  // trials of the sweep; 0: not known
  void describe(auto& option) {
    option("metric", metric, {.doc = "what the table shows"});
    option("reference", reference, {.doc = "the variant that the others are compared with"});
    option("select", select,
           {.doc = "a swept parameter whose best value is chosen on validation, per variant"});
  }
};

struct PlannedTrial {
  TrialConfig config;
  std::string id;
  std::string setting;   // what the sweep sets in it apart from variant and seed: "lr=0.001 length=64"
  Matched matched = {};  // how it meets the sweep's budget, where there is one
};

// A sweep file, checked and expanded.
struct Sweep {
  std::string name;
  CompareOptions compare;
  Match match;
  Limits limits;
  std::vector<PlannedTrial> trials;  // in plan order: variants, then points, then seeds (fastest)
};

// Expands a sweep file's tree. Everything that can be known before a trial starts is checked here, to
// building each model (without memory for its numbers); all that is wrong goes to `problems`, and the sweep
// is then of no use. Trials that come out equal stand in it once. A budget that must be measured
// (compare.match: step_time) needs `times`; without it nothing is moved to meet it.
Sweep read_sweep(const Config& tree, const std::string& default_name, const Registry& registry,
                 Problems& problems, StepTimes* times = nullptr);

// The summary metrics that each trial records and a table can show.
const std::vector<std::string>& metric_names();

}  // namespace heed
