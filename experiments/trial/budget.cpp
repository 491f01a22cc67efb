#include "experiments/trial/budget.h"

#include <limits>

#include "experiments/trial/metrics.h"

namespace heed {

double Matched::mismatch() const {
  if (reached == target) return 0;
  return target == 0 ? std::numeric_limits<double>::infinity() : reached / target - 1;
}

std::string metric_of_budget(const std::string& budget) {
  return budget == "train_flops" ? "training_flops" : budget == "step_time" ? "step_milliseconds" : budget;
}

results::Metric budget_metric(const std::string& name, double value) {
  const MetricInfo* metric = find_metric(name.substr(0, name.rfind('_')));
  const bool varies = metric && metric->varies;
  if (name.ends_with(kMismatch))
    return {name, value, "1", "relative excess over the budget; negative: less than the budget", varies};
  return {name, value, "", "the budget: the reference's value (compare.match)", varies};
}

std::vector<results::Metric> budget_metrics(const std::string& budget, const Matched& matched) {
  const std::string metric = metric_of_budget(budget);
  return {budget_metric(metric + kTarget, matched.target),
          budget_metric(metric + kMismatch, matched.mismatch())};
}

}  // namespace heed
