#include "experiments/train/trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/finite.h"
#include "core/model/components.h"
#include "core/model/model.h"
#include "core/ops/product_precision.h"
#include "core/task_traits.h"
#include "experiments/system/clock.h"
#include "experiments/system/peak_memory.h"
#include "experiments/train/direction_probes.h"
#include "experiments/train/predictions.h"
#include "experiments/train/probes.h"
#include "experiments/train/save.h"
#include "experiments/train/save_samples.h"
#include "experiments/train/test_lengths.h"
#include "experiments/train/train.h"
#include "experiments/trial/metrics.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"
#include "experiments/trial/train_sequences.h"

namespace heed {
namespace {

using results::Record;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Adds every scalar of the resolved configuration, with its dotted path.
void flatten(const Config& c, const std::string& path, std::vector<results::Parameter>& out) {
  if (c.is_map()) {
    for (const Config::Entry& e : c.entries()) flatten(e.value, path + '.' + e.key, out);
    return;
  }
  bool boolean;
  long long integer;
  double number;
  if (c.read(boolean))
    out.push_back({path, boolean});
  else if (c.read(integer))
    out.push_back({path, static_cast<std::int64_t>(integer)});
  else if (c.read(number))
    out.push_back({path, number});
  else
    out.push_back({path, c.is_scalar() ? c.text() : c.canonical()});
}

// The layers of a stack, one after another: "attention.0.size" is of the first layer.
void flatten_stack(const Config& stack, Index layers, std::vector<results::Parameter>& out) {
  for (Index l = 0; l < layers; ++l)
    flatten(stack.items()[static_cast<std::size_t>(l) % stack.items().size()], fmt::format("attention.{}", l),
            out);
}

// Mean losses in bits: of a text per byte, so that units of different lengths compare, and of generated
// images per pixel. Adds nothing for other tasks.
void add_bits(Record& record, const Task& task, const TrainLog& log, const Evaluation& test) {
  const auto* text = dynamic_cast<const TextTraits*>(&task);
  const auto* images = dynamic_cast<const PixelTraits*>(&task);
  const auto add = [&](const std::string& name, const Evaluation& e, std::optional<Index> units) {
    if (!units) return;
    const double bits = e.loss * static_cast<double>(e.scored) / std::log(2.0);
    record.metrics.push_back(
        measured(name, e.scored > 0 && *units > 0 ? bits / static_cast<double>(*units) : kNaN));
  };
  const auto add_split = [&](const std::string& name, Split split, const Evaluation& e) {
    if (text) add(name + "_bits_per_byte", e, text->scored_bytes(split));
    if (images) add(name + "_bits_per_pixel", e, images->scored_pixels(split));
  };
  add_split("test", Split::test, test);
  add_split("final_validation", Split::validation, log.final_validation.value_or(Evaluation()));
}

// The quality on the first training sequences: beside that on the test split it shows what was memorized.
void add_training_quality(Record& record, Model<float>& model, const Task& task, const TrialConfig& trial,
                          bool finished, int threads) {
  if (!has_finite_training(trial.train_sequences, task)) return;
  Evaluation e;
  if (finished) {
    const Index most = trial.train.evaluate_sequences;
    Step<float> step(threads, false);
    e = evaluate(model, step, task, Split::train,
                 trial.train_sequences > 0 ? std::min(most, trial.train_sequences) : most, trial.train.batch);
  }
  record.metrics.push_back(measured("final_train_accuracy", e.scored > 0 ? e.accuracy : kNaN));
  record.metrics.push_back(measured("final_train_loss", e.scored > 0 ? e.loss : kNaN));
}

// The curve of a task that says where its answers are. All values are NaN if the model was not tested.
void add_accuracy_by_depth(Record& record, const Task& task, const Evaluation& test) {
  if (!dynamic_cast<const DepthTraits*>(&task)) return;
  std::vector<std::int64_t> percent;
  for (std::size_t i = 0; i < kDepthBins; ++i)
    percent.push_back(static_cast<std::int64_t>(100 * i / kDepthBins));
  const MetricInfo& info = accuracy_by_depth();
  record.axes.push_back({kDepthAxis, percent});
  record.curves.push_back({info.name, kDepthAxis,
                           test.scored > 0 ? test.accuracy_by_depth : std::vector<double>(kDepthBins, kNaN),
                           info.unit, info.description});
}

void add_metrics(Record& record, const TrialConfig& trial, const Task& task, const Params<float>& params,
                 const TrainLog& log, const Evaluation& test, const Cost& cost, double training_flops) {
  const auto add = [&](const std::string& name, double value) {
    record.metrics.push_back(measured(name, value));
  };
  const auto last = [](const std::vector<double>& curve) { return curve.empty() ? kNaN : curve.back(); };
  // A trial that diverged, or a text without a test part, has no test values: NaN, not 0.
  const bool tested = test.scored > 0;
  const TaskShape shape = task.shape();
  const double steps = static_cast<double>(log.steps), batch = static_cast<double>(trial.train.batch);
  add("test_loss", tested ? test.loss : kNaN);
  add("test_accuracy", tested ? test.accuracy : kNaN);
  add("test_accuracy_macro", tested ? test.accuracy_macro : kNaN);
  add("sequence_accuracy", tested ? test.sequence_accuracy : kNaN);
  if (asks_unanswerable(task)) {
    const Calibration c = test.calibration.value_or(Calibration());
    add("test_calibration_error", c.error());
    add("test_confidence_answerable", c.confidence(true));
    add("test_confidence_unanswerable", c.confidence(false));
  }
  // If the training stopped early: the last validation.
  add("final_validation_loss", log.final_validation ? log.final_validation->loss : last(log.validation_loss));
  add("final_validation_accuracy",
      log.final_validation ? log.final_validation->accuracy : last(log.validation_accuracy));
  add_bits(record, task, log, test);
  add("plateau_step", plateau_step(log));
  add("solved_step", solved_step(log));
  add("final_gradient_norm", last(log.gradient_norm));
  add("parameters", static_cast<double>(count(params)));
  for (const ComponentCount& c : count_components(params)) {
    std::string name = "parameters_" + c.component;
    // Names of variables in results are identifiers, so that xarray offers them as attributes.
    std::replace(name.begin(), name.end(), '-', '_');
    add(name, static_cast<double>(c.parameters));
  }
  add("forward_flops", cost.flops);
  add("training_flops", training_flops);
  add("state_bytes", cost.state_bytes);
  if (!log.growth_difference.empty())
    add("growth_difference", *std::ranges::max_element(log.growth_difference));
  add("step_milliseconds", 1000 * log.seconds / std::max(1.0, steps));
  add("tokens_per_second", batch * static_cast<double>(shape.input.length + shape.source.length) * steps /
                               std::max(1e-9, log.seconds));
  add("processor_seconds", log.processor_seconds + processor_seconds());
  add("peak_memory_bytes", peak_resident_bytes());
}

void add_curves(Record& record, const TrainLog& log) {
  std::vector<std::int64_t> steps(log.loss.size());
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = static_cast<std::int64_t>(i);
  record.axes = {{"step", steps}, {"eval", log.evaluated_at}};
  record.curves = {
      {"train_loss", "step", log.loss, "nat", "mean cross entropy of the step's batch, before the step"},
      {"gradient_norm", "step", log.gradient_norm, "1", "norm of all gradients together, before clipping"},
      {"validation_loss", "eval", log.validation_loss, "nat",
       "mean cross entropy over the validation sequences"},
      {"validation_accuracy", "eval", log.validation_accuracy, "1",
       "share of scored validation positions whose top-1 prediction is the label"}};
}

}  // namespace

Record empty_record(const TrialConfig& trial) {
  Record record;
  const Config resolved = to_config(trial);
  record.id = trial_id(trial);
  record.config = resolved.yaml();
  for (const Config::Entry& e : resolved.entries())
    if (e.key == "attention" && e.value.is_sequence())
      flatten_stack(e.value, trial.model.layers, record.parameters);
    else
      flatten(e.value, e.key, record.parameters);
  for (results::Parameter& p : record.parameters) p.varies = is_place_of_content(resolved, p.name);
  return record;
}

std::optional<Record> run_trial(const TrialConfig& trial, const Registry& registry, int threads,
                                const TrainHooks& hooks, Communicator* communicator) {
  const int ranks = communicator ? communicator->size() : 1;
  if (ranks != trial.train.context_parallel)
    throw Error(fmt::format("train.context_parallel is {}, and the trial was started on {}.",
                            trial.train.context_parallel,
                            ranks == 1 ? "one rank" : fmt::format("{} ranks", ranks)));
  const std::unique_ptr<Task> task = task_of(trial, registry);
  auto [last, log] = train(trial, registry, *task, threads, hooks, Ranks(communicator));
  if (log.left) return std::nullopt;
  const ProductPrecision precision(trial.train.products());  // of test and probes, as in training
  Params<float>& params = last->params;
  Model<float>& model = last->model;
  Evaluation test;
  if (log.failure.empty() && log.stopped.empty() && task->size(Split::test) != Index{0}) {
    Step<float> step(threads, false);
    test = evaluate(model, step, *task, Split::test, task->size(Split::test) ? 0 : trial.train.test_sequences,
                    trial.train.batch);
    if (!is_finite(test.loss)) {
      log.failure = "the test loss is not finite";
      test = {};
    }
  }
  const bool finished = log.failure.empty() && log.stopped.empty();

  Record record = empty_record(trial);
  record.status = finished              ? results::Status::done
                  : log.stopped.empty() ? results::Status::diverged
                                        : results::Status::stopped;
  record.reason = log.stopped.empty() ? log.failure : log.stopped;
  record.last_step = log.steps;
  add_metrics(record, trial, *task, params, log, test, cost_of_example(model, *task),
              training_flops(stages_of(trial, *task), registry, *task, trial.train.batch, log.steps));
  // After time and memory were measured, so that these are of the training only.
  add_training_quality(record, model, *task, trial, finished, threads);
  if (finished && ranks == 1) {
    add_probes(record, model, *task, threads);
    add_direction_probes(record, model, params, *task, trial.model.dim, threads);
  } else {
    add_no_probes(record);
    add_no_direction_probes(record);
  }
  add_curves(record, log);
  add_accuracy_by_depth(record, *task, test);
  add_test_lengths(record, trial, registry, finished ? last.get() : nullptr, threads);
  if (trial.save.weights) save_weights(record, params);
  if (finished && trial.save.weights && ranks == 1) save_samples(record, model, *task);
  if (trial.save.attention || trial.save.logits) save_probe(record, model, *task, trial, threads);
  if (finished && trial.save.predictions) save_predictions(record, model, *task, trial, threads);
  return record;
}

}  // namespace heed
