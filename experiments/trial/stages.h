// The models of a trial, from its configuration only.
#pragma once

#include <string>
#include <vector>

#include "core/model/model.h"
#include "core/registry.h"
#include "core/task.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Returns the (last) model that a trial trains, for the shape of its task.
ModelSpec model_spec(const TrialConfig& trial, const Task& task);

// Returns the labels of an example, for the FLOPs of the head: those of the first training example.
Index scored_positions(const Task& task);

// Returns what a forward pass of one example with sequences of full length costs.
template <class S>
Cost cost_of_example(const Model<S>& model, const Task& task) {
  const TaskShape shape = task.shape();
  return model.cost(shape.input.length, scored_positions(task), shape.source.length);
}

// A training has stages. Most have one. If the model grows (`grow` in a sweep file), each stage has a larger
// model, which begins as the function that the previous one has learned.
struct Stage {
  ModelSpec model;
  Index end = 0;  // training steps until its end, those of earlier stages included
};
// Returns the trial with the model of an earlier stage.
TrialConfig with_stage(const TrialConfig& trial, const EarlierStage& stage);
std::vector<Stage> stages_of(const TrialConfig& trial, const Task& task);

// Returns why a model of one stage cannot grow into the next, as refuse_growth does; empty if all can. Builds
// the models without memory for their parameters. Throws heed::Error if one cannot be built.
std::string refuse_stages(const std::vector<Stage>& stages, const Registry& registry);

// Returns the floating-point operations of `steps` training steps of `batch` sequences. A step counts as
// three forward passes, because backward has two matrix products for each product of forward.
double training_flops(const std::vector<Stage>& stages, const Registry& registry, const Task& task,
                      Index batch, Index steps);

}  // namespace heed
