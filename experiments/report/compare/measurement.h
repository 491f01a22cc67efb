#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "results/table.h"

namespace heed {

// The conditions under which a metric was measured in each trial: everything that changes its value although
// the model and its training are the same. Two trials are compared only if all conditions are equal.
//
// - Every metric: the task.
// - Metrics of the test or validation split: the number of sequences. Steps that are found by validations:
//   the steps between two validations. The gradient norm: the batch.
// - Times and memory, which vary between runs: host, build, trials side by side, threads, checkpoints. If
//   these were not recorded, or several processes ran parts of the trial, the trial equals no other.
// - Times: the `heed run`, which trains the variants in turn. Other programs may have loaded the machine
//   during another one.
class Measurement {
 public:
  Measurement(const results::Results& results, const std::string& metric);

  // Returns only the conditions of a metric that varies between runs: times and memory.
  static Measurement of_load(const results::Results& results, const std::string& metric);

  bool alike(std::size_t trial, std::size_t other) const;

  // Returns what differs among some trials, and how: "jobs (4, 1), host (a, b)". Empty if they are alike.
  std::string differences(const std::vector<std::size_t>& trials) const;

 private:
  Measurement() = default;
  struct Condition {
    std::string name;
    std::vector<std::string> values;  // of each trial; an empty one is unknown and equals nothing
  };
  void add(const results::Results& results, const std::string& name);
  void add_interval(const results::Results& results);
  void add_load(const results::Results& results, const results::Column& metric);

  std::vector<Condition> conditions_;
};

}  // namespace heed
