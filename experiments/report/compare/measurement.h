#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "results/table.h"

namespace heed {

// How the value of a metric came about in each trial: everything that another value would follow from though
// the model and its training were the same. Two trials are compared only where all of it is equal.
//
// - Every metric: the task.
// - Metrics of the test or validation split: how many sequences were looked at. Steps that are timed by
//   validations: how often there was one. The gradient's norm: the batch.
// - What varies between runs (times, memory): host, build, trials side by side, threads, checkpoints. Where
//   these were not recorded, or several processes ran parts of the trial, it is like no other.
class Measurement {
 public:
  Measurement(const results::Results& results, const std::string& metric);

  // Only that of what varies between runs.
  static Measurement of_load(const results::Results& results);

  bool alike(std::size_t trial, std::size_t other) const;

  // What differs among some trials, and how: "jobs (4, 1), host (a, b)". Empty if they are alike.
  std::string differences(const std::vector<std::size_t>& trials) const;

 private:
  Measurement() = default;
  struct Condition {
    std::string name;
    std::vector<std::string> values;  // of each trial; empty: not known, which is like nothing
  };
  void add(const results::Results& results, const std::string& name);
  void add_interval(const results::Results& results);
  void add_load(const results::Results& results);

  std::vector<Condition> conditions_;
};

// Does a parameter say how trials are measured, rather than what is trained? Its value is never chosen on
// validation, and rows of different values are never compared.
bool says_how_measured(const std::string& path);

}  // namespace heed
