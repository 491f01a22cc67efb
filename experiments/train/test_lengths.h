#pragma once

#include "core/registry.h"
#include "experiments/train/train.h"
#include "experiments/trial/trial_config.h"
#include "results/record.h"

namespace heed {

// Tests a trained model at each of the trial's test lengths, and adds test_accuracy_by_length(test_length).
// trained: null if the training failed; then the values are NaN. Does nothing for a trial without test
// lengths.
void add_test_lengths(results::Record& record, const TrialConfig& trial, const Registry& registry,
                      SizedModel* trained, int threads);

}  // namespace heed
