// Generating with a trained model: the draws, and continuations token by token.
#include "experiments/train/sample.h"

#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/model/batch.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"

namespace {

using namespace heed;
using heed::test::builtin;
using heed::test::defaults;

const std::vector<float> kLogits = {0.5F, 2, -1, 2, 1};

Token drawn(const SampleOptions& options, std::uint64_t position) {
  return sample_token(kLogits, options, Rng(options.seed, "sample").at(position));
}

// Reads windows of 8 tokens out of 32.
TrialConfig small_trial(const Registry& registry, const std::string& variant, const std::string& positions) {
  Config options = Config::map();
  for (const auto& [name, value] : {std::pair("length", 8), {"pairs", 2}, {"vocab", 32}})
    options.set(name, Config::integer(value));
  TrialConfig trial;
  trial.variant = variant;
  trial.task = {"mqar", defaults(registry.task("mqar"), options)};
  trial.model.layers = 2, trial.model.heads = 2, trial.model.dim = 8;
  trial.attention = {{variant, defaults(registry.variant(variant))}};
  trial.feed_forward = {"mlp", defaults(registry.variant("mlp"))};
  trial.positions = {positions};
  if (positions != "none") trial.positions.options = defaults(registry.position(positions));
  return trial;
}

// The tokens after a prompt.
std::vector<Token> continued(Model<float>& model, const std::vector<Token>& prompt, Index count,
                             const SampleOptions& options) {
  Continuation continuation(model, {prompt}, std::ssize(prompt) + count, options);
  std::vector<Token> out;
  for (Index i = 0; i < count; ++i) out.push_back(continuation.next().front());
  return out;
}

}  // namespace

TEST_CASE("sample: temperature 0 takes the first of the largest logits, and top_k 1 does, too") {
  CHECK(drawn({.temperature = 0}, 0) == 1);
  for (std::uint64_t i = 0; i < 50; ++i) CHECK(drawn({.top_k = 1}, i) == 1);
}

TEST_CASE("sample: tokens have the probabilities of the softmax of their logits over the temperature") {
  for (const double temperature : {0.5, 1.0, 2.0}) {
    constexpr int n = 20000;
    std::vector<double> counts(kLogits.size());
    for (std::uint64_t i = 0; i < n; ++i)
      ++counts[static_cast<std::size_t>(drawn({.temperature = temperature}, i))];
    double sum = 0;
    for (const float logit : kLogits) sum += std::exp(static_cast<double>(logit) / temperature);
    double chi = 0;
    for (std::size_t t = 0; t < counts.size(); ++t) {
      const double e = n * std::exp(static_cast<double>(kLogits[t]) / temperature) / sum;
      chi += (counts[t] - e) * (counts[t] - e) / e;
    }
    CAPTURE(temperature);
    CHECK(chi < 23.5);  // 4 degrees of freedom: larger once in 10,000 times
  }
}

TEST_CASE("sample: top_k draws only among the largest logits") {
  std::set<Token> seen;
  for (std::uint64_t i = 0; i < 200; ++i) seen.insert(drawn({.temperature = 10, .top_k = 3}, i));
  CHECK(seen == std::set<Token>{1, 3, 4});
}

TEST_CASE("sample: a draw depends only on the seed and the position") {
  std::vector<Token> a, b, other;
  for (std::uint64_t i = 0; i < 40; ++i) {
    a.push_back(drawn({.seed = 3}, i));
    b.push_back(drawn({.seed = 3}, i));
    other.push_back(drawn({.seed = 4}, i));
  }
  CHECK(a == b);
  CHECK(a != other);
}

TEST_CASE(
    "sample: a greedy continuation is what one pass over its tokens predicts, beyond the training, too") {
  const Registry registry = builtin();
  const auto& [variant, positions] = GENERATE(
      std::pair("softmax", "rope"), std::pair("softmax", "alibi"), std::pair("window", "sinusoidal"),
      std::pair("linear", "none"), std::pair("gated_delta", "sinusoidal"), std::pair("lstm", "none"));
  CAPTURE(variant, positions);
  const TrialConfig trial = small_trial(registry, variant, positions);
  const auto task = task_of(trial, registry);
  SizedModel trained(model_spec(trial, *task), registry, 1);
  for (float& value : trained.params.values()) value *= 3;  // larger differences between logits
  constexpr Index kPrompt = 3, kCount = 17;
  REQUIRE(reads_length(trial, *task, kPrompt + kCount, registry));
  const auto longer = model_for_length(trial, *task, kPrompt + kCount, trained.params, registry);
  REQUIRE(longer);
  std::vector<Token> tokens = {5, 1, 30};
  for (const Token t : continued(longer->model, tokens, kCount, {.temperature = 0})) tokens.push_back(t);

  Step<float> step(1, false);
  std::vector<Token> predicted(tokens.size());
  longer->model.evaluate(step, token_batch(tokens, tokens, 1, std::ssize(tokens)), predicted);
  for (std::size_t i = kPrompt; i < tokens.size(); ++i) CHECK(tokens[i] == predicted[i - 1]);
}

TEST_CASE("sample: the same seed gives the same tokens, and other seeds other ones") {
  const Registry registry = builtin();
  const TrialConfig trial = small_trial(registry, "linear", "none");
  SizedModel model(model_spec(trial, *task_of(trial, registry)), registry, 1);
  const std::vector<Token> first = continued(model.model, {5}, 7, {.seed = 1});
  CHECK(first == continued(model.model, {5}, 7, {.seed = 1}));
  CHECK(first != continued(model.model, {5}, 7, {.seed = 2}));
}

TEST_CASE("sample: several sequences are continued as each of them is, with draws of its number") {
  const Registry registry = builtin();
  const TrialConfig trial = small_trial(registry, "softmax", "rope");
  SizedModel model(model_spec(trial, *task_of(trial, registry)), registry, 1);
  const std::vector<Token> prompts = {5, 1, 7, 30, 5, 1};  // the last equals the first
  Continuation together(model.model, {prompts, 3, 4}, 8, {.seed = 1});
  std::vector<std::vector<Token>> found(3);
  for (Index i = 0; i < 6; ++i) {
    const std::span<const Token> next = together.next();
    for (std::size_t b = 0; b < 3; ++b) found[b].push_back(next[b]);
  }
  CHECK(found[0] != found[2]);
  for (std::size_t b = 0; b < 3; ++b) {
    Continuation one(model.model, {std::span(prompts).subspan(2 * b, 2), 1, 4 + b}, 8, {.seed = 1});
    for (const Token token : found[b]) CHECK(token == one.next().front());
  }
}

TEST_CASE("sample: NaN is never drawn") {
  std::vector<float> logits = kLogits;
  logits[1] = std::numeric_limits<float>::quiet_NaN();
  CHECK(sample_token(logits, {.temperature = 0}, Rng(0, "sample").at(0)) == 3);
  for (std::uint64_t i = 0; i < 200; ++i)
    CHECK(sample_token(logits, {.temperature = 10}, Rng(0, "sample").at(i)) != 1);
}

TEST_CASE("sample: learned positions end with the training") {
  const Registry registry = builtin();
  const TrialConfig trial = small_trial(registry, "softmax", "learned");
  const auto task = task_of(trial, registry);
  CHECK(reads_length(trial, *task, 8, registry));
  CHECK_FALSE(reads_length(trial, *task, 9, registry));
  SizedModel trained(model_spec(trial, *task), registry, 1);
  CHECK_FALSE(model_for_length(trial, *task, 8, trained.params, registry));
}
