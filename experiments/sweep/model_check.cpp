#include "experiments/sweep/model_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/abbreviate.h"
#include "core/model/model.h"
#include "core/task_traits.h"
#include "experiments/trial/context_parallel.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"
#include "experiments/trial/test_lengths.h"

namespace heed {
namespace {

std::string key_of(const TrialConfig& trial) { return trial.task.name + trial.task.options.canonical(); }

// Returns why validation or test have positions that no training step reaches; empty if they have none.
std::string refuse_untrained_positions(const TrialConfig& trial, const Task& task, const Registry& registry) {
  const auto* lengths = dynamic_cast<const LengthTraits*>(&own_task(task));
  if (!lengths) return "";
  const bool longer = lengths->longest_length() > lengths->trained_length();
  if (!longer && lengths->longest_source_length() <= lengths->trained_source_length()) return "";
  Params<float> params;
  const Model<float> model(model_spec(trial, task), registry, params);
  const bool has_table = std::ranges::any_of(params.infos(), [](const ParamInfo& p) {
    return p.role != Role::fixed && p.name.ends_with("positions.table");
  });
  if (!has_table) return "";
  return fmt::format(
      "the longest {} of validation or test has {} tokens, and of training {}. The {} positions beyond are "
      "never trained. Use other model.positions (none, sinusoidal, rope, alibi), or shorter sequences.",
      longer ? "sequence" : "source", longer ? lengths->longest_length() : lengths->longest_source_length(),
      longer ? lengths->trained_length() : lengths->trained_source_length(), trial.positions.name);
}

}  // namespace

void ModelCheck::operator()(const TrialConfig& trial, const VariantEntry& variant, const TaskKey& key) {
  TrialConfig model = trial;
  model.train = {};
  model.train.context_parallel = trial.train.context_parallel;
  model.method = {};
  model.variant.clear();
  if (!seen_.insert(to_config(model).canonical()).second) return;
  const std::shared_ptr<Task> task = this->task(trial, key);
  if (!task) return;
  check_save(trial, key);
  const std::size_t before = problems_.size();
  for (const Choice& c : trial.attention) check_traits(c, trial.task.name, *task, variant);
  if (problems_.size() > before) return;  // the model would say so again
  try {
    if (const std::string why = refuse_stages(stages_of(trial, *task), registry_); !why.empty())
      problems_.add(variant.place, fmt::format("{}: {}", variant.path, why));
    for (const std::string& why : context_parallel_mistakes(trial, *task, registry_))
      problems_.add(variant.place, fmt::format("{}: {}", variant.path, why));
    if (const std::string why = refuse_untrained_positions(trial, *task, registry_); !why.empty())
      problems_.add(key.place, fmt::format("{}: {}", key.path, why));
    for (const Index length : trial.test_lengths)
      if (const std::string why = refuse_test_length(trial, *task, length, registry_); !why.empty())
        return problems_.add(key.place, fmt::format("{}.{}: {}", key.path, kTestLengths, why));
  } catch (const Error& e) {
    problems_.add(variant.place, fmt::format("{}: {}", variant.path, e.what()));
  }
}

std::shared_ptr<Task> ModelCheck::task(const TrialConfig& trial, const TaskKey& key) {
  std::shared_ptr<Task> own = own_task(trial, key);
  if (!own || own->shape().model == trial.type) return own;
  std::shared_ptr<Task>& task = tasks_[key_of(trial) + '\n' + to_string(trial.type)];
  if (!task) task = for_model(registry_.task(trial.task.name).make(trial.task.options, 0), trial.type);
  return task;
}

std::shared_ptr<Task> ModelCheck::own_task(const TrialConfig& trial, const TaskKey& key) {
  const auto [at, is_new] = tasks_.insert({key_of(trial), nullptr});
  if (!is_new) return at->second;
  try {
    at->second = registry_.task(trial.task.name).make(trial.task.options, 0);
  } catch (const Error& e) {
    problems_.add(key.place, fmt::format("{}: {}", key.path, e.what()));
  }
  return at->second;
}

void ModelCheck::check_save(const TrialConfig& trial, const TaskKey& key) {
  const TaskShape shape = own_task(trial, key)->shape();
  if (trial.save.predictions && shape.source.kind == Stream::Kind::none)
    problems_.add(key.place, fmt::format("save: predictions needs a task that has a source and a target, and "
                                         "'{}' has none. Remove it from the list.",
                                         trial.task.name));
  if ((trial.save.attention || trial.save.logits) && shape.input.kind != Stream::Kind::tokens)
    problems_.add(key.place, fmt::format("save: attention and logits need a task of tokens, and '{}' has "
                                         "vectors. Remove them from the list.",
                                         trial.task.name));
}

void ModelCheck::check_traits(const Choice& choice, const std::string& task_name, const Task& task,
                              const VariantEntry& variant) {
  const Traits traits = registry_.variant(choice.name).traits(choice.options);
  const ModelType type = task.shape().model, own = heed::own_task(task).shape().model;
  const bool causal = type != ModelType::encoder;
  if (causal ? traits.causal : traits.bidirectional) return;
  // What decides the type of model, and how to get another one.
  const std::string cause =
      type == own ? fmt::format("the task '{}'", task_name) : fmt::format("model.type: {}", to_string(type));
  const std::string remedy = type != own ? fmt::format(", or remove model.type (the task '{}' trains {})",
                                                       task_name, with_article(to_string(own)))
                             : suits(task, causal ? ModelType::encoder : ModelType::decoder)
                                 ? fmt::format(", or set model.type: {}", causal ? "encoder" : "decoder")
                                 : "";
  problems_.add(
      variant.place,
      fmt::format("{}: '{}' has {}; {} needs attention {}. Use another variant, such as softmax{}.",
                  variant.path, choice.name, causal ? "no causal form" : "only a causal form", cause,
                  causal ? "that does not see later positions" : "that sees the whole sequence", remedy));
}

}  // namespace heed
