#pragma once

#include <optional>
#include <vector>

#include "core/model/model_spec.h"
#include "core/registry.h"
#include "experiments/train/train.h"
#include "experiments/trial/trial_config.h"
#include "results/record.h"

namespace heed {

// What saved weights are evaluated on.
struct EvaluationData {
  Choice task;  // with resolved options
  Split split = Split::test;
  Index sequences = 0;  // 0: a whole finite split; else train.test_sequences of the trial
};

struct SavedEvaluation {
  Evaluation quality;
  Index sequences = 0;                  // that were evaluated
  std::optional<double> bits_per_byte;  // of a whole split of a text
};

// Evaluates the weights of a trained trial (group `weights` of its file) without training. On the task and
// split of the trial's own test the result has the bits of the recorded one. Sequences may be longer or
// shorter than in training. `threads` changes no bit.
//
// Throws: heed::Error with a sentence if the model cannot read the task (another type of model, another
// vocabulary, longer sequences than it has positions), or if the split is empty.
SavedEvaluation evaluate_saved(const TrialConfig& trial, const std::vector<results::Array>& weights,
                               const EvaluationData& on, const Registry& registry, int threads);

}  // namespace heed
