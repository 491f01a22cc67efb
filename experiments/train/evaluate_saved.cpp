#include "experiments/train/evaluate_saved.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "core/ops/product_precision.h"
#include "core/task_traits.h"
#include "experiments/train/longer_model.h"
#include "experiments/train/saved_model.h"
#include "experiments/trial/longer_task.h"
#include "experiments/trial/task_of.h"

namespace heed {
namespace {

// Returns why the vectors or tokens of two streams do not have the same meaning; empty if they may.
std::string refuse_stream(const Stream& trained, const Stream& other, const char* name) {
  if (trained.kind != other.kind)
    return fmt::format("its {} is of another kind than that of the training task.", name);
  if (trained.width != other.width)
    return fmt::format(
        "its {} has {} {}, and the model was trained on {}: the vocabulary must be that of the training.",
        name, other.width, trained.kind == Stream::Kind::tokens ? "different tokens" : "numbers per vector",
        trained.width);
  return "";
}

// Returns why the tokens of another text have another meaning; empty if they have not. Characters and
// subwords are numbered by their text.
std::string refuse_text(const Choice& trained, const Choice& other) {
  const auto text = [](const Choice& task, const char* option) {
    const Config* found = task.options.find(option);
    return found ? found->text() : std::string();
  };
  for (const auto& [unit, identity] : {std::pair("characters", "content"), {"bpe", "subwords"}})
    if (text(trained, "unit") == unit && text(trained, identity) != text(other, identity))
      return fmt::format(
          "its text is another one than in training, so its {} are other tokens. With unit: bytes, a token "
          "is the same in every text.",
          unit == std::string("bpe") ? "subwords" : unit);
  return "";
}

// Returns why the trial's model cannot be evaluated on another task; empty if it can.
std::string refuse_task(const TrialConfig& trial, const Task& task, const TrialConfig& tested,
                        const Task& other, const Registry& registry) {
  const TaskShape a = task.shape(), b = other.shape();
  for (const std::string& why :
       {refuse_stream(a.input, b.input, "input"), refuse_stream(a.source, b.source, "source")})
    if (!why.empty()) return why;
  if (a.classes != b.classes)
    return fmt::format("it has {} different labels, and the model was trained to predict {}.", b.classes,
                       a.classes);
  if (predicts_from_last(task) != predicts_from_last(other) || !differs_in_length_only(a, b))
    return "it has its labels at other places than the training task (one for each position, one for each "
           "sequence, or all at the last position).";
  if (std::string why = refuse_text(trial.task, tested.task); !why.empty()) return why;
  const std::string why = refuse_longer(trial, task, tested, other, b.input.length, registry);
  return why.empty() ? "" : "length " + why;
}

std::optional<double> bits_per_byte(const Task& task, Split split, const Evaluation& e) {
  const auto* text = dynamic_cast<const TextTraits*>(&task);
  const std::optional<Index> bytes = text ? text->scored_bytes(split) : std::nullopt;
  if (!bytes || *bytes == 0) return std::nullopt;
  return e.loss * static_cast<double>(e.scored) / std::log(2.0) / static_cast<double>(*bytes);
}

// How many sequences are evaluated. Training may have used only the first ones of its split.
Index count_of(const TrialConfig& trial, const Task& task, const EvaluationData& on) {
  const std::optional<Index> size = task.size(on.split);
  const Index wanted = on.sequences > 0 ? on.sequences : size.value_or(trial.train.test_sequences);
  if (size) return std::min(wanted, *size);
  const bool is_seen = on.split == Split::train && trial.train_sequences > 0;
  return is_seen ? std::min(wanted, trial.train_sequences) : wanted;
}

}  // namespace

SavedEvaluation evaluate_saved(const TrialConfig& trial, const std::vector<results::Array>& weights,
                               const EvaluationData& on, const Registry& registry, int threads) {
  const ProductPrecision precision(trial.train.products());
  const std::unique_ptr<Task> own = task_of(trial, registry);
  TrialConfig tested = trial;
  tested.task = on.task;
  std::unique_ptr<Task> made = registry.task(on.task.name).make(on.task.options, trial.seed);
  if (!suits(*made, trial.type))
    throw Error(fmt::format("the task '{}' is not for a model of type '{}', which was trained here.",
                            on.task.name, to_string(trial.type)));
  const std::unique_ptr<Task> task = for_model(std::move(made), trial.type);
  if (const std::string why = refuse_task(trial, *own, tested, *task, registry); !why.empty())
    throw Error(fmt::format("the task '{}' does not suit the trained model: {}", on.task.name, why));
  const Index count = count_of(trial, *task, on);
  if (count == 0)
    throw Error(fmt::format("the task '{}' has no sequences in this split. Choose another one with --split.",
                            on.task.name));
  const std::unique_ptr<SizedModel> trained = saved_model(trial, *own, weights, registry);
  const std::unique_ptr<SizedModel> longer =
      longer_model(trial, *task, own->shape(), trained->params, registry);
  Step<float> step(threads, false);
  SavedEvaluation out;
  out.quality =
      evaluate(longer ? longer->model : trained->model, step, *task, on.split, count, trial.train.batch);
  out.sequences = count;
  if (count == task->size(on.split)) out.bits_per_byte = bits_per_byte(*task, on.split, out.quality);
  return out;
}

}  // namespace heed
