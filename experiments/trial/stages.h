// The models of a trial, from its configuration only.
#pragma once

#include <string>
#include <vector>

#include "core/model/model_spec.h"
#include "core/registry.h"
#include "core/task.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Returns the (last) model that a trial trains. The task says vocabulary, length and whether the future is
// hidden.
ModelSpec model_spec(const TrialConfig& trial, const Task& task);

// Returns the scored positions of a sequence, for the FLOPs of the head: those of the first training
// sequence.
Index scored_positions(const Task& task);

// A training has stages. Most have one. If the model grows (`grow` in a sweep file), each stage has a larger
// model, which begins as the function that the previous one has learned.
struct Stage {
  ModelSpec model;
  Index end = 0;  // training steps until its end, those of earlier stages included
};
std::vector<Stage> stages_of(const TrialConfig& trial, const Task& task);

// Returns why a model of one stage cannot grow into the next, as refuse_growth does; empty if all can. Builds
// the models without memory for their parameters. Throws heed::Error if one cannot be built.
std::string refuse_stages(const std::vector<Stage>& stages, const Registry& registry);

// Returns the floating-point operations of so many training steps of so many sequences: three forward passes
// each, since backward multiplies each matrix twice where forward does once.
double training_flops(const std::vector<Stage>& stages, const Registry& registry, const Task& task,
                      Index batch, Index steps);

}  // namespace heed
