#pragma once

#include <memory>

#include "core/model/model.h"
#include "core/registry.h"
#include "core/task.h"
#include "experiments/train/trainer.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// A model with its parameters.
struct SizedModel {
  SizedModel(const ModelSpec& spec, const Registry& registry, std::uint64_t seed);
  Params<float> params;
  Model<float> model;
};

// What a training leaves: the model of the stage that it came to.
struct Trained {
  std::unique_ptr<SizedModel> last;
  TrainLog log;
};

// The whole of a trial's training. Stops early as Training::run does; continued from the state it was left
// in, whatever the stage, it comes to the same bits.
Trained train(const TrialConfig& trial, const Registry& registry, const Task& task, int threads,
              const TrainHooks& hooks);

}  // namespace heed
