#include "experiments/train/longer_model.h"

#include "experiments/trial/stages.h"

namespace heed {
namespace {

// Copies every parameter that has the same size in both.
void copy_values(Params<float>& from, Params<float>& to) {
  for (const ParamInfo& p : from.infos())
    if (const Param<float> own = from.find(p.name), other = to.find(p.name);
        other && other.rows() == p.rows && other.cols() == p.cols)
      other.value() = own.value();
}

}  // namespace

std::unique_ptr<SizedModel> longer_model(const TrialConfig& trial, const Task& task, const TaskShape& own,
                                         Params<float>& trained, const Registry& registry) {
  const TaskShape shape = task.shape();
  if (shape.input.length <= own.input.length && shape.source.length <= own.source.length) return nullptr;
  auto longer = std::make_unique<SizedModel>(model_spec(trial, task), registry, trial.seed);
  copy_values(trained, longer->params);
  return longer;
}

}  // namespace heed
