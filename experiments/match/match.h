#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/index.h"
#include "experiments/sweep/variant_list.h"
#include "results/record.h"

namespace heed {

// `compare.match` of a sweep file: every variant gets what the reference has of one thing.
struct MatchOptions {
  std::string budget = "none", reference;
  double tolerance = 0.02;
  void describe(auto& option) {
    option("budget", budget,
           {.choices = {"none", "parameters", "train_flops", "state_bytes", "step_time"},
            .doc = "what all variants get as much of as the reference has"});
    option("reference", reference, {.doc = "a variant; where it is not given, compare.reference"});
    option("tolerance", tolerance, {.min = 0, .max = 1, .doc = "largest mismatch, as a share"});
  }
};

struct Match {
  MatchOptions options;                      // the reference is filled in
  std::map<std::string, std::string> knobs;  // by a variant's label, where the file names one
  std::map<std::string, Place> knob_places;
  Place place;  // of the section

  bool on() const { return options.budget != "none"; }
};

// The metric that a budget limits: "training_flops" for train_flops, "step_milliseconds" for step_time.
std::string metric_of_budget(const std::string& budget);

// What the results keep of it, as "parameters_target" and "parameters_mismatch".
inline constexpr const char* kTarget = "_target";
inline constexpr const char* kMismatch = "_mismatch";

// Reads `match` in the `compare` section; `reference` stands in where it names none. Without the section
// nothing is matched.
Match read_match(const Config* compare, const std::string& reference,
                 const std::vector<VariantEntry>& variants, Problems& problems);

// How a trial meets its budget.
struct Matched {
  std::string knob;  // its path; empty: nothing was moved (the reference; what fits as it is)
  Index value = 0;   // of the knob
  double target = 0, reached = 0;

  double mismatch() const;  // reached / target - 1
};

// One of them by its name, and both of a trial.
results::Metric budget_metric(const std::string& name, double value);
std::vector<results::Metric> budget_metrics(const Match& match, const Matched& matched);

}  // namespace heed
