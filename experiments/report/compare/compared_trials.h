#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"

// The trials that a comparison is made from: what varies among them, and the numbers that it looks at.

namespace heed {

// The value of a metric that never came.
inline constexpr double kNever = std::numeric_limits<double>::infinity();

// What takes different values within one variant, and its value in each trial.
struct Varied {
  std::string name;       // of the column in the table
  std::string parameter;  // dotted path
  std::vector<std::string> values;
};

// As tables show it: "true", "0.001", "-" for what is missing.
std::string value_text(const results::Value& value);

// The slot of the model whose name or option a parameter is; empty where it is none.
std::string slot_of(const std::string& parameter);

// By the name or the path of a metric or a parameter, which `what` says. heed::Error where there is none.
const results::Column& find_column(const results::Results& results, const std::string& name,
                                   const char* what);

// The columns that are looked at, one value per trial.
struct Trials {
  // heed::Error where the results have no such metric.
  Trials(const results::Results& results, const CompareOptions& options);

  bool done(std::size_t i) const { return status[i] == "done"; }
  bool solved(std::size_t i) const {
    return done(i) && (accuracy[i] >= kSolved || std::isfinite(solved_step[i]));
  }
  std::string name(std::size_t i) const;  // "window size=8 seed=2 (failed)"

  std::vector<std::string> variant, status, seed;
  std::vector<Varied> varied;
  bool any_done;
  std::vector<double> value, validation, accuracy, solved_step;
  std::string budget;                   // the metric that the sweep matched; or empty
  std::vector<double> spent, mismatch;  // of it
};

}  // namespace heed
