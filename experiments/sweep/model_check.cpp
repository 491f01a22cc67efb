#include "experiments/sweep/model_check.h"

#include <fmt/format.h>

#include "experiments/trial/stages.h"
#include "experiments/trial/test_lengths.h"

namespace heed {

void ModelCheck::operator()(const TrialConfig& trial, const VariantEntry& variant, const Place& task_place) {
  TrialConfig model = trial;
  model.train = {};
  model.method = {};
  model.variant.clear();
  if (!seen_.insert(to_config(model).canonical()).second) return;
  const std::shared_ptr<Task> task = this->task(trial, task_place);
  if (!task) return;
  for (const Choice& c : trial.attention) check_traits(c, trial.task.name, *task, variant);
  try {
    if (const std::string why = refuse_stages(stages_of(trial, *task), registry_); !why.empty())
      problems_.add(variant.place, fmt::format("{}: {}", variant.path, why));
    for (const Index length : trial.test_lengths)
      if (const std::string why = refuse_test_length(trial, *task, length, registry_); !why.empty())
        return problems_.add(task_place, fmt::format("task.{}: {}", kTestLengths, why));
  } catch (const Error& e) {
    problems_.add(variant.place, fmt::format("{}: {}", variant.path, e.what()));
  }
}

std::shared_ptr<Task> ModelCheck::task(const TrialConfig& trial, const Place& place) {
  const auto [at, is_new] = tasks_.insert({trial.task.name + trial.task.options.canonical(), nullptr});
  if (!is_new) return at->second;
  try {
    at->second = registry_.task(trial.task.name).make(trial.task.options, 0);
  } catch (const Error& e) {
    problems_.add(place, fmt::format("task: {}", e.what()));
  }
  return at->second;
}

void ModelCheck::check_traits(const Choice& choice, const std::string& task_name, const Task& task,
                              const VariantEntry& variant) {
  const Traits traits = registry_.variant(choice.name).traits(choice.options);
  const bool causal = task.shape().model != ModelType::encoder;
  if (causal && !traits.causal)
    problems_.add(variant.place, fmt::format("{}: '{}' has no causal form, which the task '{}' needs.",
                                             variant.path, choice.name, task_name));
  if (!causal && !traits.bidirectional)
    problems_.add(
        variant.place,
        fmt::format("{}: '{}' has only a causal form; the task '{}' needs one that sees the whole sequence.",
                    variant.path, choice.name, task_name));
}

}  // namespace heed
