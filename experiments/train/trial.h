#pragma once

#include <optional>

#include "core/communicator.h"
#include "core/registry.h"
#include "experiments/trial/trial_config.h"
#include "results/record.h"

namespace heed {

struct TrainHooks;

// The progress of a training, reported from time to time.
struct TrialProgress {
  Index step = 0, steps = 0;
  double loss = 0, accuracy = 0;  // of the latest training step and validation; NaN if there is none yet
  double seconds = 0;             // since this process started training
  Index began = 0;                // the step at which this process continued
};

// Returns a trial's record without results: its id, configuration and parameters.
results::Record empty_record(const TrialConfig& trial);

// Trains, evaluates and returns the record. A training that becomes NaN is a result (status "diverged",
// with its reason and last step), and so is one that a rule has stopped; an exception is an error of the
// configuration or of a variant. `threads` changes no bit of the result. The caller fills in the record's
// wall time.
//
// With train.context_parallel, every rank calls it with its communicator. The hooks of rank 0 are used, and
// its record has meaning. Such a trial has no probes.
//
// Returns nullopt if it was asked to stop before the end (TrainHooks, experiments/train/training.h).
std::optional<results::Record> run_trial(const TrialConfig& trial, const Registry& registry, int threads,
                                         const TrainHooks& hooks, Communicator* communicator = nullptr);

}  // namespace heed
