#include "experiments/trial/task_of.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace heed {
namespace {

// A task for another type of model.
class Retyped : public Task, public ModelTraits {
 public:
  Retyped(std::unique_ptr<Task> task, ModelType type) : task_(std::move(task)), shape_(task_->shape()) {
    shape_.model = type;
  }
  TaskShape shape() const override { return shape_; }
  void fill(Split split, std::uint64_t index, Example& example) const override {
    task_->fill(split, index, example);
  }
  const Task& own() const { return *task_; }
  bool suits(ModelType type) const override { return heed::suits(*task_, type); }
  std::optional<Index> size(Split split) const override { return task_->size(split); }
  void relevance(std::span<const Token> tokens, std::span<const Token> labels, Index query,
                 std::span<Relevance> keys) const override {
    task_->relevance(tokens, labels, query, keys);
  }

 protected:
  std::unique_ptr<Task> task_;
  TaskShape shape_;
};

// Source and input as one sequence. The first token of the input separates them.
class Joined final : public Retyped {
 public:
  explicit Joined(std::unique_ptr<Task> task) : Retyped(std::move(task), ModelType::decoder) {
    source_ = shape_.source.length, input_ = shape_.input.length;
    shape_.input.length = source_ + input_;
    shape_.source = {};
  }

  void fill(Split split, std::uint64_t index, Example& example) const override {
    const auto part = [](std::span<Token> all, Index from, Index n) {
      return all.subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(n));
    };
    const std::span<Token> tokens = example.input.tokens, labels = example.labels;
    Example apart{{.tokens = part(tokens, source_, input_), .length = input_},
                  part(labels, source_, input_),
                  {.tokens = part(tokens, 0, source_), .length = source_}};
    task_->fill(split, index, apart);
    // The input begins behind the source's last token.
    const Index begin = apart.source.length, length = apart.input.length;
    std::ranges::copy(part(tokens, source_, length), tokens.begin() + begin);
    std::ranges::copy(part(labels, source_, length), labels.begin() + begin);
    std::ranges::fill(part(labels, 0, begin), kUnscored);
    example.input.length = begin + length;
  }
  void relevance(std::span<const Token>, std::span<const Token>, Index,
                 std::span<Relevance> keys) const override {
    std::ranges::fill(keys, Relevance::none);
  }

 private:
  Index source_ = 0, input_ = 0;  // of the longest
};

template <class T, std::size_t N>
std::optional<T> named(const std::array<const char*, N>& names, const std::string& text) {
  const auto at = std::ranges::find(names, text);
  if (at == names.end()) return std::nullopt;
  return static_cast<T>(at - names.begin());
}

}  // namespace

std::optional<ModelType> model_type_of(const std::string& text) {
  return named<ModelType>(kModelTypes, text);
}

std::optional<Pool> pool_of(const std::string& text) { return named<Pool>(kPools, text); }

std::unique_ptr<Task> for_model(std::unique_ptr<Task> task, ModelType type) {
  const TaskShape shape = task->shape();
  HEED_CHECK(suits(*task, type), "a task is used for a type of model that it does not suit");
  if (type == shape.model) return task;
  if (shape.model == ModelType::encoder_decoder) return std::make_unique<Joined>(std::move(task));
  return std::make_unique<Retyped>(std::move(task), type);
}

const Task& own_task(const Task& task) {
  const auto* retyped = dynamic_cast<const Retyped*>(&task);
  return retyped ? retyped->own() : task;
}

std::unique_ptr<Task> task_of(const TrialConfig& trial, const Registry& registry) {
  std::unique_ptr<Task> task = registry.task(trial.task.name).make(trial.task.options, trial.seed);
  if (!suits(*task, trial.type))
    throw Error(fmt::format("model.type: the task '{}' does not suit a model of type '{}'.", trial.task.name,
                            to_string(trial.type)));
  return for_model(std::move(task), trial.type);
}

}  // namespace heed
