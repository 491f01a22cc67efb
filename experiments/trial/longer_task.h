#pragma once

#include <string>

#include "core/registry.h"
#include "core/task.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Do two shapes differ in the lengths of their sequences only?
bool differs_in_length_only(TaskShape a, const TaskShape& b);

// Returns why a model that was trained on `task` cannot read the sequences of another task, as a sentence;
// empty if it can. A model whose parameters depend on the length reads no longer sequences. `tested`: the
// trial with the other task. length: of the other task, for the message. Requires: the two shapes differ in
// lengths only.
std::string refuse_longer(const TrialConfig& trial, const Task& task, const TrialConfig& tested,
                          const Task& other, Index length, const Registry& registry);

}  // namespace heed
