#include "experiments/trial/estimate.h"

#include <algorithm>

#include "experiments/trial/context_parallel.h"
#include "experiments/trial/method.h"
#include "experiments/trial/stages.h"

namespace heed {

Estimate Estimator::operator()(const TrialConfig& trial) {
  Estimate e;
  Index done = 0;
  double before = 0;  // bytes of the stage before, which are still there when it grows
  for (std::size_t i = 0; i <= trial.grow.size(); ++i) {
    TrialConfig stage = i < trial.grow.size() ? with_stage(trial, trial.grow[i]) : trial;
    stage.grow.clear();
    const Shape& s = shape_of(stage);
    const Index steps = i < trial.grow.size() ? trial.grow[i].steps : trial.train.steps - done;
    const double flops = e.training_flops, evaluation = e.evaluation_flops, memory = e.memory_bytes;
    e = s.estimate;
    e.evaluation_flops =
        evaluation + e.forward_flops * evaluated_sequences(trial.train, s, done, done + steps);
    e.training_flops =
        flops + 3 * e.forward_flops * static_cast<double>(trial.train.batch) * static_cast<double>(steps);
    const Index together = trial.train.micro_batch > 0 ? trial.train.micro_batch : s.micro_batch;
    const auto at_once = static_cast<double>(std::min(together, trial.train.batch));
    // Values, gradients and the optimizer's state, at 4 bytes each.
    const double numbers = 4.0 * static_cast<double>((2 + state_vectors(trial, registry_)) * e.parameters);
    // Training has a batch, and so has evaluation.
    const double batches = 2 * static_cast<double>(trial.train.batch) * s.sequence_bytes;
    e.memory_bytes = std::max(memory, before + numbers + batches + 4.0 * at_once * s.example_floats);
    before = numbers;
    done += steps;
  }
  return e;
}

// Sequences of the validations in steps [begin, end), and of the test after the last step.
double Estimator::evaluated_sequences(const TrainOptions& o, const Shape& shape, Index begin, Index end) {
  const Index interval = o.evaluation_interval(), all = shape.validation_size.value_or(0);
  const Index each = shape.validation_size ? std::min(o.evaluate_sequences, all) : o.evaluate_sequences;
  const Index times = end / interval - begin / interval;
  double sequences = static_cast<double>(each * times);
  if (end < o.steps) return sequences;
  if (end % interval != 0) sequences += static_cast<double>(each);
  if (all > each) sequences += static_cast<double>(all);  // the last validation is of the whole split
  return sequences + static_cast<double>(shape.test_size.value_or(o.test_sequences));
}

const Estimator::Shape& Estimator::shape_of(const TrialConfig& trial) {
  TrialConfig shape = trial;  // without what does not change the model
  shape.variant.clear();
  shape.train = {};
  shape.train.batch = trial.train.batch;
  shape.train.context_parallel = trial.train.context_parallel;
  shape.method = {};
  shape.save = {};
  shape.seed = 0;
  const std::string key = to_config(shape).canonical();
  auto at = shapes_.find(key);
  if (at == shapes_.end()) at = shapes_.insert({key, build(trial)}).first;
  return at->second;
}

Estimator::Shape Estimator::build(const TrialConfig& trial) {
  const Task& task = tasks_(trial);
  Params<float> params;
  Model<float> model(model_spec(trial, task), registry_, params);
  Shape s;
  s.estimate.components = count_components(params);
  s.estimate.parameters = count(params);
  for (const ComponentCount& c : s.estimate.components)
    if (c.component != "biases" && c.component != "norms" && c.component != "positions")
      s.estimate.matrices += c.parameters;
  const Index scored = scored_positions(task);
  const TaskShape shape = task.shape();
  const Cost cost = cost_of_example(model, task);
  s.estimate.forward_flops = cost.flops;
  s.estimate.state_bytes = cost.state_bytes;
  const Index length = shape.input.length, source = shape.source.length;
  s.validation_size = task.size(Split::validation);
  s.test_size = task.size(Split::test);
  for (const Stream& stream : {shape.input, shape.source})
    s.sequence_bytes +=
        static_cast<double>(stream.length) * (stream.kind == Stream::Kind::vectors
                                                  ? sizeof(double) * static_cast<double>(stream.width)
                                              : stream.kind == Stream::Kind::tokens ? sizeof(Token)
                                                                                    : 0);
  s.sequence_bytes += static_cast<double>(shape.labels == Labels::per_sequence ? 1 : length) * sizeof(Token);
  s.micro_batch = model.micro_batch(length, source);
  // A block keeps about 16 rows of the model's width for each position (norms, q, k, v, o, a feed-forward
  // four times as wide), cross-attention 4 more for one of the input and 2 for one of the source. The head
  // keeps two rows of the vocabulary's width for each scored position.
  const Index rows = 16 * (length + source) + (source > 0 ? 4 * length + 2 * source : 0);
  s.example_floats = (static_cast<double>(rows) * static_cast<double>(trial.model.layers * trial.model.dim) +
                      2.0 * static_cast<double>(scored * shape.classes)) /
                     static_cast<double>(trial.train.context_parallel);
  s.estimate.ranks = trial.train.context_parallel;
  s.estimate.exchanged_bytes = exchanged_bytes(trial, params, model, length);  // divides the model
  return s;
}

}  // namespace heed
