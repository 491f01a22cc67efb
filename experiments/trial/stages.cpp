#include "experiments/trial/stages.h"

#include <algorithm>

#include "core/model/growth.h"
#include "core/model/model.h"

namespace heed {

ModelSpec model_spec(const TrialConfig& trial, const Task& task) {
  return {trial.model,     task.vocabulary(),  task.length(),  task.causal(),
          trial.attention, trial.feed_forward, trial.positions};
}

Index scored_positions(const Task& task) {
  std::vector<Token> tokens(static_cast<std::size_t>(task.length())), labels(tokens.size());
  task.sequence(Split::train, 0, tokens, labels);
  return std::count_if(labels.begin(), labels.end(), [](Token t) { return t != kUnscored; });
}

std::vector<Stage> stages_of(const TrialConfig& trial, const Task& task) {
  std::vector<Stage> stages;
  Index end = 0;
  for (const EarlierStage& earlier : trial.grow) {
    TrialConfig small = trial;
    small.attention = {earlier.attention};
    small.feed_forward = earlier.feed_forward;
    stages.push_back({model_spec(small, task), end += earlier.steps});
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
    sum += 3 * model.cost(task.length(), scored_positions(task)).flops * static_cast<double>(batch) *
           static_cast<double>(end - done);
    done = end;
  }
  return sum;
}

}  // namespace heed
