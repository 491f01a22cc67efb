#pragma once

#include <optional>

#include "core/registry.h"
#include "experiments/trial/trial_config.h"
#include "results/record.h"

namespace heed {

struct TrainHooks;

// Where a training stands; reported now and then.
struct TrialProgress {
  Index step = 0, steps = 0;
  double loss = 0, accuracy = 0;  // of the latest update / validation; NaN where there is none yet
  double seconds = 0;             // since this process began to train
  Index began = 0;                // at this step, where an earlier one had left
};

// A trial's record without results: its id, configuration and parameters.
results::Record empty_record(const TrialConfig& trial);

// Trains, evaluates and returns what is to be kept. A run that turns NaN is a result (status "diverged", with
// its reason and last step); what throws is a fault of the configuration or of a variant. `threads` never
// changes a bit of the result. The record's wall time is left to who knows when the process began.
//
// Nothing where it was asked to leave before the end (TrainHooks, experiments/train/trainer.h).
std::optional<results::Record> run_trial(const TrialConfig& trial, const Registry& registry, int threads,
                                         const TrainHooks& hooks);

}  // namespace heed
