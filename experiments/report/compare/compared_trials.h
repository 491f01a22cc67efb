#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"

// The trials of a comparison: what varies among them, and the numbers that are compared.

namespace heed {

// The value of a metric whose event did not occur, such as solved_step.
inline constexpr double kNever = std::numeric_limits<double>::infinity();

// A parameter that has different values within one variant, and its value in each trial.
struct Varied {
  std::string name;       // of the column in the table
  std::string parameter;  // dotted path
  std::vector<std::string> values;
};

// Formats a value for tables: "true", "0.001", "-" if it is missing.
std::string value_text(const results::Value& value);

// Returns the slot of the model whose name or option a parameter is, or an empty string.
std::string slot_of(const std::string& parameter);

// Returns true if variants set a parameter for themselves; `own`: CompareOptions::own.
bool is_own(const std::string& parameter, const std::vector<std::string>& own);

// Returns the value of a parameter or slot in each trial, as tables show it.
std::vector<std::string> shown_values(const results::Results& results, const std::string& path);

// Finds a metric or a parameter by name or path. what: "metric" or "parameter", for the message. Throws:
// heed::Error if there is none.
const results::Column& find_column(const results::Results& results, const std::string& name,
                                   const char* what);

// The columns that a comparison uses, one value per trial.
struct Trials {
  // Throws: heed::Error if the results do not have the metric.
  Trials(const results::Results& results, const CompareOptions& options);

  bool done(std::size_t i) const { return status[i] == "done"; }
  bool solved(std::size_t i) const {
    return done(i) && (accuracy[i] >= kSolved || std::isfinite(solved_step[i]));
  }
  std::string name(std::size_t i) const;  // "window size=8 seed=2 (failed)"

  std::vector<std::string> variant, status, seed;
  std::vector<bool> reference;  // is it a trial of the reference?
  std::vector<Varied> varied;
  bool any_done;
  std::vector<double> value, validation, accuracy, solved_step;
  std::string budget;                   // the metric that the sweep matched, or empty
  std::vector<double> spent, mismatch;  // of the budget

 private:
  void find_reference(const results::Results& results, const CompareOptions& options);
};

}  // namespace heed
