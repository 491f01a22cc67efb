// Results of a few trials, made up, and their comparison.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"

namespace heed::test {

using heed::Comparison;
using heed::results::Column;
using heed::results::Results;
using heed::results::Role;
using heed::results::Value;

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

using Texts = std::vector<std::string>;

// The rows of variants a, b, c ..., one value for each seed; NaN: the trial diverged.
inline Results trials_of(const std::vector<std::vector<double>>& values,
                         const char* metric = "test_accuracy") {
  Column variant{"variant", "variant", Role::parameter, {}, "", "", false}, seed = variant, status = variant,
                                                                            measured = variant;
  seed.name = seed.parameter = "seed", status.name = "status", measured.name = metric;
  status.parameter = measured.parameter = "";
  status.role = Role::trial, measured.role = Role::metric;
  Results r;
  for (std::size_t v = 0; v < values.size(); ++v)
    for (std::size_t i = 0; i < values[v].size(); ++i) {
      r.trial.push_back(static_cast<std::int64_t>(r.trial.size()));
      variant.values.emplace_back(std::string(1, static_cast<char>('a' + v)));
      seed.values.emplace_back(static_cast<std::int64_t>(i));
      measured.values.emplace_back(values[v][i]);
      status.values.emplace_back(std::string(std::isnan(values[v][i]) ? "diverged" : "done"));
    }
  r.columns = {variant, seed, status, measured};
  return r;
}

inline Comparison compare(const Results& results, const char* metric) {
  heed::CompareOptions options;
  options.metric = metric;
  return heed::compare(results, options);
}

inline bool has_note(const Comparison& c, const std::string& part) {
  return std::any_of(c.notes.begin(), c.notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

// Trials of two variants at two learning rates, two seeds each.
inline Results eight_trials() {
  const auto column = [](const char* name, const char* parameter, Role role, std::vector<Value> values) {
    return Column{name, parameter, role, std::move(values), "", "", false};
  };
  Results r;
  for (int i = 0; i < 8; ++i) r.trial.push_back(i);
  const std::string done = "done";
  r.columns = {
      column("variant", "variant", Role::parameter, {"a", "a", "a", "a", "b", "b", "b", "b"}),
      column("seed", "seed", Role::parameter, {0, 1, 0, 1, 0, 1, 0, 1}),
      column("lr", "train.lr", Role::parameter, {0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0.2, 0.2}),
      column("size", "attention.size", Role::parameter, {1, 1, 1, 1, 2, 2, 2, 2}),
      column("status", "", Role::trial, {done, done, done, done, done, "diverged", done, done}),
      column("test_accuracy", "", Role::metric, {0.5, 0.7, 0.9, 0.9, 0.1, kNaN, 0.2, kNaN}),
      column("final_validation_accuracy", "", Role::metric, {0.8, 0.8, 0.6, 0.6, 0.3, kNaN, 0.4, 0.4}),
  };
  return r;
}

}  // namespace heed::test
