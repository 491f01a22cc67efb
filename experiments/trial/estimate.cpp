#include "experiments/trial/estimate.h"

#include <algorithm>

#include "experiments/trial/method.h"
#include "experiments/trial/stages.h"

namespace heed {

Estimate Estimator::operator()(const TrialConfig& trial) {
  Estimate e;
  Index done = 0;
  double before = 0;  // bytes of the stage before, which are still there when it grows
  for (std::size_t i = 0; i <= trial.grow.size(); ++i) {
    TrialConfig stage = trial;
    stage.grow.clear();
    if (i < trial.grow.size()) {
      stage.attention = {trial.grow[i].attention};
      stage.feed_forward = trial.grow[i].feed_forward;
    }
    const Shape& s = shape_of(stage);
    const Index steps = i < trial.grow.size() ? trial.grow[i].steps : trial.train.steps - done;
    const double flops = e.training_flops, memory = e.memory_bytes;
    e = s.estimate;
    e.training_flops =
        flops + 3 * e.forward_flops * static_cast<double>(trial.train.batch) * static_cast<double>(steps);
    const Index together = trial.train.micro_batch > 0 ? trial.train.micro_batch : s.micro_batch;
    const double rows = static_cast<double>(std::min(together, trial.train.batch) * s.length);
    // Values, gradients and the optimizer's state, at 4 bytes each.
    const double numbers = 4.0 * static_cast<double>((2 + state_vectors(trial, registry_)) * e.parameters);
    e.memory_bytes = std::max(memory, before + numbers + 4.0 * rows * s.row_floats);
    before = numbers;
    done += steps;
  }
  return e;
}

const Estimator::Shape& Estimator::shape_of(const TrialConfig& trial) {
  TrialConfig shape = trial;  // without what does not change the model
  shape.variant.clear();
  shape.train = {};
  shape.method = {};
  shape.save = {};
  shape.seed = 0;
  const std::string key = to_config(shape).canonical();
  auto at = shapes_.find(key);
  if (at == shapes_.end()) at = shapes_.insert({key, build(trial)}).first;
  return at->second;
}

Estimator::Shape Estimator::build(const TrialConfig& trial) const {
  const auto task = registry_.task(trial.task.name).make(trial.task.options, trial.seed);
  Params<float> params;
  const Model<float> model(model_spec(trial, *task), registry_, params);
  Shape s;
  s.estimate.components = count_components(params);
  s.estimate.parameters = count(params);
  for (const ComponentCount& c : s.estimate.components)
    if (c.component != "biases" && c.component != "norms" && c.component != "positions")
      s.estimate.counted += c.parameters;
  const Index scored = scored_positions(*task);
  const TaskShape shape = task->shape();
  const Cost cost = cost_of_example(model, *task);
  s.estimate.forward_flops = cost.flops;
  s.estimate.state_bytes = cost.state_bytes;
  s.length = shape.input.length;
  s.micro_batch = model.micro_batch(s.length, shape.source.length);
  // A block keeps about 16 rows of the model's width (norms, q, k, v, o, a feed-forward four times as wide),
  // the head two of the vocabulary's for each scored position.
  s.row_floats = 16.0 * static_cast<double>(trial.model.layers * trial.model.dim) +
                 2.0 * static_cast<double>(scored * shape.classes) / static_cast<double>(s.length);
  return s;
}

}  // namespace heed
