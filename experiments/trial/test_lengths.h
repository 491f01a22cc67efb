#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/registry.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// The key of a task's section that lists other lengths for the test: `task: {name: parity, length: 32,
// test_lengths: [64, 128]}`. It is no option of the task: a trained model is tested on the same task with
// another `length`.
inline constexpr const char* kTestLengths = "test_lengths";

// Removes the list from the section of a task and returns it in ascending order; empty if there is none.
// path: of the section, for messages. Problems: it is no list of different integers above 0.
std::vector<Index> take_test_lengths(Config& task, const std::string& path, Problems& problems);

// Returns the task with another length. Requires: it has the option `length`.
Choice at_length(const Choice& task, Index length);

// Returns why the trial's model cannot be tested at a length, as a sentence; empty if it can. Only a
// generated task can have another length, and a model whose parameters depend on the length no longer one.
std::string refuse_test_length(const TrialConfig& trial, const Task& task, Index length,
                               const Registry& registry);

}  // namespace heed
