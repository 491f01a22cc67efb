#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/model/model.h"
#include "core/registry.h"
#include "core/task.h"
#include "experiments/sweep/trial_config.h"
#include "experiments/train/trainer.h"

namespace heed {

// A training goes through stages. Most have one; where the model grows (`grow` in a sweep file), each stage
// has a larger model, which begins as the function that the one before has become.
struct Stage {
  ModelSpec model;
  Index end = 0;  // updates that are done in all when it ends
};
std::vector<Stage> stages_of(const TrialConfig& trial, const Task& task);

// Why a model of one stage cannot grow into the next, as refuse_growth says; empty where all can. Builds them
// without memory for their numbers. heed::Error where one cannot be built.
std::string refuse_stages(const std::vector<Stage>& stages, const Registry& registry);

// Floating-point operations of so many updates of so many sequences, each three forward passes: backward
// multiplies each matrix twice where forward does once.
double training_flops(const std::vector<Stage>& stages, const Registry& registry, const Task& task,
                      Index batch, Index updates);

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
