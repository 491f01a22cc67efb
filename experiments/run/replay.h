// Tests: tests/experiments/run/replay_test.cpp
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "experiments/sweep/stop_rule.h"
#include "experiments/train/training.h"

namespace heed {

// What a rule would have done to a trial that was trained to the end.
struct Replayed {
  Index steps = 0;     // that it would have been trained
  std::string reason;  // why it would have stopped there; empty: it goes on to the end
};

// Applies a rule to the trials of one contest, of which only the validations and the steps of the logs are
// read. They start in `order`. A rung is decided as in a sweep, from the results of the trials that have
// reached it. If all training steps take the same time, these are the trials that started earlier, however
// many run side by side. Returns one result per trial, in the order of `contest`. Requires: `order` is a
// permutation.
std::vector<Replayed> replay(const StopRule& rule, std::span<const TrainLog> contest,
                             std::span<const std::size_t> order);

}  // namespace heed
