#pragma once

#include <memory>

#include "core/model/model.h"
#include "core/registry.h"
#include "core/task.h"
#include "experiments/train/training.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// A model with its parameters.
struct SizedModel {
  SizedModel(const ModelSpec& spec, const Registry& registry, std::uint64_t seed);
  Params<float> params;
  Model<float> model;
};

// The result of a training: the model of its last stage, and the log.
struct Trained {
  std::unique_ptr<SizedModel> last;
  TrainLog log;
};

// Runs a trial's training, all stages. It may stop early, as Training::run. A training that continues from
// its saved state, in any stage, has the same bits as one that was not interrupted. Of several ranks, all
// call it, and the hooks of rank 0 are used; the log of others has no meaning beyond how the training ended.
Trained train(const TrialConfig& trial, const Registry& registry, const Task& task, int threads,
              const TrainHooks& hooks, const Ranks& ranks = Ranks());

}  // namespace heed
