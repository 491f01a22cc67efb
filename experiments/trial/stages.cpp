#include "experiments/trial/stages.h"

#include <algorithm>

#include "core/model/growth.h"
#include "core/model/model.h"
#include "core/model/sequences.h"
#include "core/task_traits.h"
#include "experiments/trial/task_of.h"

namespace heed {
namespace {

Index columns_of(const Task& task) {
  const auto* grid = dynamic_cast<const GridTraits*>(&own_task(task));
  return grid ? grid->columns() : 0;
}

}  // namespace

ModelSpec model_spec(const TrialConfig& trial, const Task& task) {
  return {.options = trial.model,
          .shape = task.shape(),
          .attention = trial.attention,
          .feed_forward = trial.feed_forward,
          .positions = trial.positions,
          .columns = columns_of(task),
          .encoder_attention = trial.encoder_attention,
          .cross_attention = trial.cross_attention,
          .pool = trial.pool,
          .expand = predicts_from_last(task),
          .ordered = annealing(task).has_value()};
}

Index scored_positions(const Task& task) {
  Sequences first(task, 1);
  first.fill(0, Split::train, 0);
  return first.first(1).scored();
}

TrialConfig with_stage(const TrialConfig& trial, const EarlierStage& stage) {
  TrialConfig out = trial;
  out.attention = {stage.attention};
  out.feed_forward = stage.feed_forward;
  out.encoder_attention = stage.encoder_attention;
  out.cross_attention = stage.cross_attention;
  return out;
}

std::vector<Stage> stages_of(const TrialConfig& trial, const Task& task) {
  std::vector<Stage> stages;
  Index end = 0;
  for (const EarlierStage& earlier : trial.grow) {
    stages.push_back({model_spec(with_stage(trial, earlier), task), end += earlier.steps});
  }
  stages.push_back({model_spec(trial, task), trial.train.steps});
  return stages;
}

std::string refuse_stages(const std::vector<Stage>& stages, const Registry& registry) {
  std::vector<ParamInfo> smaller;
  for (const Stage& stage : stages) {
    Params<float> params;
    Model<float>(stage.model, registry, params);
    if (!smaller.empty())
      if (std::string why = refuse_growth(smaller, params.infos()); !why.empty()) return why;
    smaller = params.infos();
  }
  return "";
}

double training_flops(const std::vector<Stage>& stages, const Registry& registry, const Task& task,
                      Index batch, Index steps) {
  double sum = 0;
  Index done = 0;
  for (const Stage& stage : stages) {
    Params<float> params;
    const Model<float> model(stage.model, registry, params);
    const Index end = std::min(stage.end, steps);
    sum +=
        3 * cost_of_example(model, task).flops * static_cast<double>(batch) * static_cast<double>(end - done);
    done = end;
  }
  return sum;
}

}  // namespace heed
