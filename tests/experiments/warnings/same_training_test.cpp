// Rows of a sweep that train the same.
#include "experiments/warnings/same_training.h"

#include <string>

#include "tests/experiments/warnings/warned.h"

using namespace heed;
using namespace heed::test;

namespace {

std::string with(const std::string& parameters, const std::string& train = "steps: 20",
                 const std::string& variants = "[softmax, linear]") {
  Registry registry = builtin();
  const Planned p =
      planned("variants: " + variants + "\ntask: {name: mqar, length: 16, vocab: 32, pairs: 2}\ntrain: {" +
                  train + "}\nsweep: {seeds: 2, parameters: {" + parameters + "}}\n",
              registry);
  return joined(same_training_warnings(p.sweep, registry));
}

}  // namespace

TEST_CASE("same_training_warnings: rows that train differently have none") {
  CHECK(with("train.schedule: [cosine, linear, constant]").empty());
  CHECK(with("train.lr: [0.1, 0.2], train.warmup: [0, 5], train.weight_decay: [0, 0.1]").empty());
  CHECK(with("train.batch: [4, 8], train.clip: [1, 2], train.optimizer: [adamw, sgd]").empty());
}

TEST_CASE("same_training_warnings: schedules with the same rate at every step") {
  CHECK_THAT(with("train.schedule: [cosine, linear, constant]", "steps: 20, warmup: 20"),
             ContainsSubstring("softmax (schedule=cosine), softmax (schedule=linear) and softmax "
                               "(schedule=constant) train the same"));
  CHECK_THAT(with("train.schedule: [linear, cosine]", "steps: 20, lr: 0.01, min_lr: 0.01"),
             ContainsSubstring("softmax (schedule=linear) and softmax (schedule=cosine) train the same"));
  CHECK_THAT(with("train.warmup: [0, 5]", "steps: 20, lr: 0"), ContainsSubstring("train the same"));
  CHECK_THAT(with("", "steps: 20, warmup: 20",
                  "[{softmax: , train.schedule: cosine}, {softmax: , train.schedule: linear}]"),
             ContainsSubstring("softmax(schedule=cosine)") && ContainsSubstring("train the same"));
}

TEST_CASE("same_training_warnings: micro-batches change only speed and rounding") {
  CHECK_THAT(with("train.micro_batch: [0, 4]"),
             ContainsSubstring("softmax (micro_batch=0) and softmax (micro_batch=4) train the same"));
}

TEST_CASE("same_training_warnings: a set of schedules is reported once") {
  const std::string text = with("train.schedule: [cosine, linear], train.lr: [0.1, 0.2], model.dim: [32, 64]",
                                "steps: 20, warmup: 20");
  CHECK_THAT(text, ContainsSubstring("train the same"));
  CHECK(text.find("train the same") == text.rfind("train the same"));
}

TEST_CASE("same_training_warnings: rows that differ in how they are evaluated train the same") {
  for (const char* swept : {"train.evaluate_every: [1, 5]", "train.evaluate_sequences: [16, 32]",
                            "train.test_sequences: [16, 32]"}) {
    CAPTURE(swept);
    CHECK_THAT(with(swept), ContainsSubstring("softmax (") &&
                                ContainsSubstring("train the same: their results can differ only in how the "
                                                  "same model is evaluated."));
  }
  CHECK_THAT(with("train.test_sequences: [16, 32], train.micro_batch: [0, 4]"),
             ContainsSubstring("differ by rounding, by speed and in how the same model is evaluated."));
  CHECK(with("train.test_sequences: [16], train.lr: [0.1, 0.2]").empty());
}

TEST_CASE("same_training_warnings: a learning rate of 0 is named") {
  CHECK_THAT(with("train.lr: [0, 0.1]"),
             ContainsSubstring("train.lr is 0 in 4 of 8 trials: nothing is trained"));
  CHECK(with("train.lr: [1e-30, 0.1]").empty());
}
