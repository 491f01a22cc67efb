#include "experiments/train/sample.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "experiments/train/longer_model.h"
#include "experiments/trial/longer_task.h"

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
  if (options.temperature == 0) return static_cast<Token>(std::ranges::max_element(logits) - logits.begin());
  std::vector<Token> tokens(logits.size());
  std::iota(tokens.begin(), tokens.end(), 0);
  const auto logit = [&](Token t) { return static_cast<double>(logits[static_cast<std::size_t>(t)]); };
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

Continuation::Continuation(Model<float>& model, std::span<const Token> prompt, Index length,
                           const SampleOptions& options)
    : decoder_(model, 1, length),
      options_(options),
      draws_(options.seed, "sample"),
      unread_(prompt.begin(), prompt.end()),
      position_(prompt.size()) {
  HEED_CHECK(!prompt.empty(), "a continuation begins with at least one token");
}

Token Continuation::next() {
  Token token = 0;
  for (std::size_t i = 0; i < unread_.size(); ++i) {
    const Mat<float> logits = decoder_.next(step_, std::span(unread_).subspan(i, 1));
    if (i + 1 == unread_.size())
      token = sample_token({logits.data(), static_cast<std::size_t>(logits.cols())}, options_,
                           draws_.at(position_++));
    step_.rewind();
  }
  unread_.assign(1, token);
  return token;
}

}  // namespace heed
