// What a trial and its results record about the budget of a sweep (`compare.match`).
#pragma once

#include <string>
#include <vector>

#include "core/index.h"
#include "results/record.h"

namespace heed {

// How a trial meets the budget of its sweep.
struct Matched {
  std::string
      option;  // the path of the option that was changed; empty: none (the reference; what fits as it is)
  Index value = 0;  // of that option
  double target = 0, reached = 0;

  double mismatch() const;  // reached / target - 1
};

// Returns the metric that a budget limits: "training_flops" for train_flops, "step_milliseconds" for
// step_time.
std::string metric_of_budget(const std::string& budget);

// The results contain target and mismatch as metrics of these names: "parameters_target".
inline constexpr const char* kTarget = "_target";
inline constexpr const char* kMismatch = "_mismatch";

// Returns one of them by its name, and both of a trial.
results::Metric budget_metric(const std::string& name, double value);
std::vector<results::Metric> budget_metrics(const std::string& budget, const Matched& matched);

}  // namespace heed
