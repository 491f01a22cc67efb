#include "experiments/report/compare/warnings.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "experiments/report/compare/pairing.h"
#include "experiments/trial/quantity.h"

namespace heed {
namespace {

// Returns the mean of a metric over the trials of a row; NaN if a trial does not have it.
double mean_of(const std::vector<double>& metric, const ComparedRow& row) {
  std::vector<double> values;
  for (const std::size_t i : row.trials) values.push_back(metric[i]);
  return statistics::mean(values);
}

// Returns true if a metric measures what a model costs, and not how good it is.
bool is_cost(const std::string& metric) {
  const MetricInfo* info = find_metric(metric);
  return (info && info->varies) || metric.starts_with("parameters") || metric.ends_with("_flops") ||
         metric == "state_bytes";
}

// The largest difference of a variant from its reference, in each metric that differs too much.
using Differences = std::map<std::string, double>;

// "linear (training_flops -31.2 %)"
std::string difference_text(const std::string& variant, const Differences& differences) {
  std::vector<std::string> parts;
  for (const auto& [metric, share] : differences)
    parts.push_back(share < 1 ? fmt::format("{} {:+.0f} %", metric, 100 * share)
                              : fmt::format("{} x {:.1f}", metric, 1 + share));
  return fmt::format("{} ({})", variant, fmt::join(parts, ", "));
}

}  // namespace

void note_memorized(const results::Results& results, Comparison& comparison) {
  for (const char* needed : {"final_train_accuracy", "plateau_step", "final_validation_accuracy"})
    if (!results.find(needed)) return;
  const std::vector<double> train = results.numbers("final_train_accuracy"),
                            plateau = results.numbers("plateau_step"),
                            validation = results.numbers("final_validation_accuracy");
  std::vector<std::string> order;  // of the variants
  std::map<std::string, std::pair<std::size_t, std::size_t>> counts;
  for (const ComparedRow& row : comparison.rows)
    for (const std::size_t i : row.trials) {
      const bool guesses = std::isnan(plateau[i]) && !std::isnan(validation[i]);
      auto& [memorized, all] = counts[row.variant];
      if (all++ == 0) order.push_back(row.variant);
      memorized += train[i] >= kSolved && guesses;
    }
  std::vector<std::string> parts;
  for (const std::string& variant : order)
    if (const auto& [memorized, all] = counts.at(variant); memorized > 0)
      parts.push_back(fmt::format("{} ({} of {})", variant, memorized, count_text(all, "trial")));
  if (parts.empty()) return;
  comparison.notes.push_back(fmt::format(
      "Memorized: the training accuracy is at least {}, but validation stays at guessing, for {}. "
      "These models learned their training set and not the task. Use more training data "
      "(task.train_sequences, task.train_bytes), dropout, weight decay or fewer steps.",
      kSolved, fmt::join(parts, ", ")));
}

void note_unequal(const results::Results& results, Comparison& comparison) {
  if (is_cost(comparison.metric)) return;
  std::map<std::string, std::vector<double>> values;  // of each budget
  for (const std::string& metric : comparison.budget.empty()
                                       ? std::vector<std::string>{"parameters", "training_flops"}
                                       : std::vector<std::string>{comparison.budget})
    if (results.find(metric)) values[metric] = results.numbers(metric);
  const std::vector<bool> free = free_columns(comparison);
  std::vector<std::string> order;  // of the variants
  std::map<std::string, Differences> unequal;
  for (const ComparedRow& row : comparison.rows) {
    if (row.against.verdict.empty()) continue;
    const ComparedRow* partner = partner_of(row, comparison, free);
    for (const auto& [metric, of_trials] : values) {
      const double share = mean_of(of_trials, row) / mean_of(of_trials, *partner) - 1;
      if (!(std::abs(share) > kUnequal)) continue;
      if (!unequal.contains(row.variant)) order.push_back(row.variant);
      double& largest = unequal[row.variant][metric];
      if (std::abs(share) > std::abs(largest)) largest = share;
    }
  }
  if (order.empty()) return;
  std::vector<std::string> parts;
  for (const std::string& variant : order) parts.push_back(difference_text(variant, unequal.at(variant)));
  const std::string remedy = comparison.budget.empty() ? "compare.match makes budgets equal (docs/sweeps.md)."
                                                       : "The budget could not be met there.";
  comparison.notes.push_back(fmt::format("Unequal budgets, more than {:.0f} % from {}: {}. {}",
                                         100 * kUnequal, comparison.reference, fmt::join(parts, ", "),
                                         remedy));
}

}  // namespace heed
