#include "experiments/report/compare/measurement.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "experiments/report/compare/compared_trials.h"
#include "experiments/report/compare/comparison.h"

namespace heed {
namespace {

constexpr std::size_t kMostShown = 3;

bool lacks(const std::vector<std::string>& values) {
  return std::any_of(values.begin(), values.end(), [](const std::string& v) { return v.empty(); });
}

}  // namespace

Measurement::Measurement(const results::Results& results, const std::string& metric) {
  for (const results::Column& c : results.columns)
    if (c.role == results::Role::parameter && c.parameter.starts_with("task.") && !c.varies)
      add(results, c.parameter);
  if (metric.starts_with("test_")) add(results, "train.test_sequences");
  if (metric.starts_with("final_validation_") || metric.starts_with("final_train_") || may_never_come(metric))
    add(results, "train.evaluate_sequences");
  if (may_never_come(metric)) add_interval(results);
  if (metric == "final_gradient_norm") add(results, "train.batch");
  const results::Column* column = results.find(metric);
  if (column && column->varies) add_load(results, *column);
}

Measurement Measurement::of_load(const results::Results& results, const std::string& metric) {
  Measurement load;
  if (const results::Column* column = results.find(metric)) load.add_load(results, *column);
  return load;
}

// Adds a parameter or a variable, if the results have it (older ones may not).
void Measurement::add(const results::Results& results, const std::string& name) {
  if (const results::Column* column = results.find(name)) {
    std::vector<std::string> values;
    // The space makes a missing parameter a value; an empty string would equal nothing.
    for (const results::Value& v : column->values) values.push_back(' ' + value_text(v));
    conditions_.push_back({column->name, std::move(values)});
  }
}

// evaluate_every 0 means 20 validations per training.
void Measurement::add_interval(const results::Results& results) {
  if (!results.find("train.steps") || !results.find("train.evaluate_every")) return;
  const std::vector<double> steps = results.numbers("train.steps"),
                            given = results.numbers("train.evaluate_every");
  Condition interval{"steps between validations", {}};
  for (std::size_t i = 0; i < steps.size(); ++i)
    interval.values.push_back(
        fmt::format("{}", given[i] > 0 ? given[i] : std::max(1.0, std::floor(steps[i] / 20))));
  conditions_.push_back(std::move(interval));
}

void Measurement::add_load(const results::Results& results, const results::Column& metric) {
  for (const char* name : {"host", "build", "train.checkpoint"}) add(results, name);
  const std::vector<std::string> unknown(results.trial.size());
  for (const char* name : {"jobs", "threads"}) {
    Condition load{name, unknown};
    if (results.find(name)) {
      const std::vector<double> counts = results.numbers(name);
      for (std::size_t i = 0; i < counts.size(); ++i)
        if (counts[i] > 0) load.values[i] = fmt::format("{}", counts[i]);
    }
    conditions_.push_back(std::move(load));
  }
  if (metric.unit == "byte") return;  // other programs change times, not the memory of a trial
  conditions_.push_back({"run", results.find("run") ? results.texts("run") : unknown});
}

bool Measurement::alike(std::size_t trial, std::size_t other) const {
  return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& c) {
    return !c.values[trial].empty() && c.values[trial] == c.values[other];
  });
}

std::string Measurement::differences(const std::vector<std::size_t>& trials) const {
  std::string out;
  for (const Condition& c : conditions_) {
    std::vector<std::string> different;
    for (const std::size_t i : trials)
      if (std::find(different.begin(), different.end(), c.values[i]) == different.end())
        different.push_back(c.values[i]);
    if (different.size() < 2 && !lacks(different)) continue;
    for (std::string& v : different) v = v.empty() ? "not known" : v.substr(v.find_first_not_of(' '));
    if (different.size() > kMostShown) {
      const std::size_t more = different.size() - kMostShown;
      different.resize(kMostShown);
      different.push_back(fmt::format("and {} more", more));
    }
    out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", c.name, fmt::join(different, ", "));
  }
  return out;
}

}  // namespace heed
