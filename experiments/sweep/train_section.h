#pragma once

#include "core/config.h"
#include "core/registry.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Reads the section `train` (null if it is absent) into trial.train and trial.method. Options of the
// optimizer and of the schedule are written with the name or directly in `train`; these are the same:
//     train: {optimizer: {sgd: {momentum: 0.9}}, schedule: linear}
//     train: {optimizer: sgd, momentum: 0.9, schedule: linear}
// An option of an optimizer or schedule that the trial does not use becomes a problem: it has no effect.
void resolve_train(const Config* train, const Registry& registry, TrialConfig& trial, Problems& problems);

}  // namespace heed
