#include "experiments/train/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "core/task_traits.h"
#include "experiments/train/longer_model.h"
#include "experiments/train/sample_images.h"
#include "experiments/trial/longer_task.h"
#include "experiments/trial/task_of.h"

namespace heed {
namespace {

// The shape of a task with longer sequences, for a model that reads them. It has no examples.
class WithLength final : public Task {
 public:
  WithLength(const Task& task, Index length) : shape_(task.shape()) { shape_.input.length = length; }
  TaskShape shape() const override { return shape_; }
  void fill(Split, std::uint64_t, Example&) const override {
    HEED_CHECK(false, "a task that has only a shape was asked for an example");
  }

 private:
  TaskShape shape_;
};

}  // namespace

// Inverse transform sampling: the token in whose part of the sum of weights a uniform number is.
Token sample_token(std::span<const float> logits, const SampleOptions& options, Draws draws) {
  std::vector<Token> tokens(logits.size());
  std::iota(tokens.begin(), tokens.end(), 0);
  const auto logit = [&](Token t) {
    const auto z = static_cast<double>(logits[static_cast<std::size_t>(t)]);
    return std::isnan(z) ? -std::numeric_limits<double>::infinity() : z;
  };
  if (options.temperature == 0) return *std::ranges::max_element(tokens, {}, logit);
  std::ranges::stable_sort(tokens, [&](Token a, Token b) { return logit(a) > logit(b); });
  if (options.top_k > 0) tokens.resize(static_cast<std::size_t>(options.top_k));
  const double largest = logit(tokens[0]);
  std::vector<double> sums;  // of the weights so far
  double sum = 0;
  for (const Token t : tokens) sums.push_back(sum += std::exp((logit(t) - largest) / options.temperature));
  // A product may round up to the sum itself.
  const auto at = std::ranges::upper_bound(sums, draws.uniform() * sum);
  return at == sums.end() ? tokens.back() : tokens[static_cast<std::size_t>(at - sums.begin())];
}

std::unique_ptr<SizedModel> model_for_length(const TrialConfig& trial, const Task& task, Index length,
                                             Params<float>& trained, const Registry& registry) {
  return longer_model(trial, WithLength(task, length), task.shape(), trained, registry);
}

bool reads_length(const TrialConfig& trial, const Task& task, Index length, const Registry& registry) {
  return refuse_longer(trial, task, trial, WithLength(task, length), length, registry).empty();
}

Sampled what_is_sampled(const Task& task) {
  const TaskShape shape = task.shape(), own = own_task(task).shape();
  if (own.source.kind == Stream::Kind::tokens && own.input.kind == Stream::Kind::tokens)
    return Sampled::targets;
  if (shape.model != ModelType::decoder || shape.labels != Labels::per_position ||
      shape.input.kind != Stream::Kind::tokens || predicts_from_last(task))
    return Sampled::nothing;
  if (generated_images(task)) return Sampled::images;
  return dynamic_cast<const TokenizerTraits*>(&own_task(task)) ? Sampled::text : Sampled::nothing;
}

std::vector<Token> condition_of(const Task& task) {
  const TaskShape shape = own_task(task).shape();
  if (!annealing(own_task(task)) || shape.input.width != shape.classes + 1) return {};
  return {static_cast<Token>(shape.classes)};
}

// A vocabulary of characters may have no newline.
std::vector<Token> text_beginning(const Task& task) {
  if (std::vector<Token> condition = condition_of(task); !condition.empty()) return condition;
  const auto& tokenizer = dynamic_cast<const TokenizerTraits&>(own_task(task));
  try {
    return tokenizer.encode("\n");
  } catch (const Error&) {
    return {0};
  }
}

Continuation::Continuation(Model<float>& model, const Prompts& prompts, Index length,
                           const SampleOptions& options)
    : decoder_(model, step_, prompts.sequences, length),
      options_(options),
      draws_(options.seed, "sample"),
      sequences_(static_cast<std::size_t>(prompts.sequences)),
      first_(prompts.first),
      position_(prompts.tokens.size() / sequences_) {
  HEED_CHECK(position_ > 0, "a continuation begins with at least one token");
  for (std::size_t t = 0; t < position_; ++t)
    for (std::size_t b = 0; b < sequences_; ++b) unread_.push_back(prompts.tokens[b * position_ + t]);
}

std::span<const Token> Continuation::next() {
  std::vector<Token> tokens(sequences_);
  for (std::size_t at = 0; at < unread_.size(); at += sequences_) {
    const Mat<float> logits = decoder_.next(step_, std::span(unread_).subspan(at, sequences_));
    if (at + sequences_ == unread_.size())
      for (std::size_t b = 0; b < sequences_; ++b)
        tokens[b] =
            sample_token({logits.row(static_cast<Index>(b)).data(), static_cast<std::size_t>(logits.cols())},
                         options_, draws_.at(position_, first_ + b));
    step_.rewind();
  }
  ++position_;
  unread_ = std::move(tokens);
  return unread_;
}

}  // namespace heed
