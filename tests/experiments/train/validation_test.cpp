// Which sequences a validation is made of.
#include <optional>
#include <string>
#include <vector>

#include "experiments/train/train.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"

namespace {

using namespace heed;
using heed::test::builtin;
using heed::test::defaults;

// Counts its own index, and remembers which sequences were validated. With 10 of them, or without end.
class Counting final : public TokenTask {
 public:
  explicit Counting(bool finite) : finite_(finite) {}
  Index vocabulary() const override { return 11; }
  Index length() const override { return 4; }
  std::optional<Index> size(Split split) const override {
    return finite_ && split == Split::validation ? std::optional<Index>(10) : std::nullopt;
  }
  void sequence(Split split, std::uint64_t index, std::span<Token> tokens,
                std::span<Token> labels) const override {
    if (split == Split::validation) validated.push_back(static_cast<Index>(index));
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      tokens[t] = static_cast<Token>((index + t) % 11);
      labels[t] = static_cast<Token>((index * index) % 11);
    }
  }

  mutable std::vector<Index> validated;

 private:
  bool finite_;
};

TrainLog train_on(const Counting& task, Index evaluate_sequences) {
  const Registry& registry = builtin();
  TrialConfig trial;
  trial.model.layers = 1, trial.model.heads = 2, trial.model.dim = 8;
  trial.attention = {{"softmax", defaults(registry.variant("softmax"))}};
  trial.feed_forward = {"none"};
  trial.positions = {"learned", defaults(registry.position("learned"))};
  trial.train.steps = 6, trial.train.batch = 3, trial.train.evaluate_every = 2;
  trial.train.evaluate_sequences = evaluate_sequences;
  return train(trial, registry, task, 1, {}).log;
}

}  // namespace

TEST_CASE(
    "validation: every point of a validation curve is on the same sequences; the final value is on all") {
  const Counting task(true);
  const TrainLog log = train_on(task, 5);
  const std::vector<Index> some = {0, 2, 4, 6, 8}, all = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::vector<Index> expected;
  for (int i = 0; i < 3; ++i) expected.insert(expected.end(), some.begin(), some.end());
  expected.insert(expected.end(), all.begin(), all.end());
  CHECK(task.validated == expected);
  REQUIRE(log.validation_loss.size() == 3);
  REQUIRE(log.final_validation);
  CHECK(log.final_validation->scored == 40);
  CHECK(log.final_validation->loss != log.validation_loss.back());
}

TEST_CASE("validation: the final value is the last point of the curve if that is all there is") {
  const bool finite = GENERATE(true, false);
  const Counting task(finite);
  const TrainLog log = train_on(task, 10);
  CHECK(task.validated.size() == 30);
  REQUIRE(log.final_validation);
  CHECK(log.final_validation->loss == log.validation_loss.back());
  CHECK(log.final_validation->accuracy == log.validation_accuracy.back());
}
