// Optimizers and schedules in a sweep file.
#include "experiments/sweep/train_section.h"

#include <string>
#include <vector>

#include "experiments/trial/method.h"
#include "tests/experiments/sweep/sweep_text.h"

using namespace heed::test;
using heed::Sweep;
using heed::TrainMethod;

namespace {

std::string with(const std::string& line) { return wrong(kSmall + line + '\n'); }

TrainMethod method_of(const std::string& line) {
  const Sweep sweep = good(kSmall + line + '\n');
  REQUIRE(sweep.trials.size() == 1);
  return sweep.trials[0].config.method;
}

std::string id_of(const std::string& line) { return good(kSmall + line + '\n').trials.at(0).id; }

}  // namespace

TEST_CASE("resolve_train: options are written with the name or directly in train, and mean the same") {
  const TrainMethod sgd = method_of("train: {optimizer: {sgd: {momentum: 0.5}}, schedule: constant}");
  CHECK(sgd.optimizer == "sgd");
  CHECK(sgd.schedule == "constant");
  CHECK(sgd.options.canonical() == "{momentum: 0.5, weight_decay: 0}");
  const std::string id = id_of("train: {optimizer: {sgd: {momentum: 0.5}}}");
  CHECK(id_of("train: {optimizer: sgd, momentum: 0.5}") == id);
  CHECK(id_of("train: {optimizer: sgd, momentum: 0.6}") != id);
  CHECK(id_of("train: {optimizer: {sgd: {momentum: 0.5}}, schedule: constant}") != id);
  CHECK(id_of("train: {optimizer: {sgd: {momentum: 0.5}}, weight_decay: 0.1}") != id);
}

TEST_CASE("trial_id: the default optimizer, schedule and dropout have the ids of trials that name none") {
  const std::string id = id_of("");
  CHECK(id == "8167d24f97a859d8");
  CHECK(id_of("train: {optimizer: adamw, schedule: cosine}") == id);
  CHECK(id_of("train: {optimizer: {adamw: {beta1: 0.9}}, schedule: {cosine: {min_lr: 0}}}") == id);
  CHECK(id_of("train: {beta1: 0.8}") != id);
  CHECK(id_of("train: {dropout: 0}") == id);
  CHECK(id_of("train: {dropout: 0.1}") != id);
}

TEST_CASE("resolve_train: an option without effect is refused, with the place and the remedy") {
  CHECK_THAT(with("train: {optimizer: sgd, beta1: 0.8}"),
             ContainsSubstring("f.yaml:3:25: train.beta1: it has no effect on the optimizer 'sgd'") &&
                 ContainsSubstring("option of adamw. Remove it") &&
                 ContainsSubstring("train.optimizer: {adamw: {beta1: ...}}"));
  CHECK_THAT(with("train: {schedule: constant, min_lr: 0.0001}"),
             ContainsSubstring("train.min_lr: it has no effect on the schedule 'constant'"));
  CHECK_THAT(with("train: {momentum: 0.5}"), ContainsSubstring("no effect on the optimizer 'adamw'"));
  CHECK_THAT(with("train: {beta1: 0.8}\nsweep: {parameters: {train.optimizer: [adamw, sgd]}}"),
             ContainsSubstring("no effect on the optimizer 'sgd'"));
}

TEST_CASE("resolve_train: each mistake has its place") {
  CHECK(
      with("train: {optimizer: sdg}") ==
      "f.yaml:3:20: train.optimizer: unknown optimizer 'sdg'. Did you mean 'sgd'? Known: adamw, sgd, clash.");
  CHECK_THAT(with("train: {schedule: [cosine, constant]}"), ContainsSubstring("f.yaml:3:19: train.schedule"));
  CHECK_THAT(with("train: {optimizer: {sgd: {momentum: 2}}}"),
             ContainsSubstring("f.yaml:3:37: train.optimizer.sgd.momentum: 2 is out of range"));
  CHECK_THAT(with("train: {optimizer: {sgd: {momentun: 0}}}"),
             ContainsSubstring("train.optimizer.sgd.momentun") && ContainsSubstring("'momentum'"));
  CHECK_THAT(with("train: {optimizer: {sgd: {momentum: 0}}, momentum: 0}"),
             ContainsSubstring("f.yaml:3:42: train.momentum: train.optimizer.sgd.momentum sets it, too"));
  CHECK_THAT(with("train: {lr: 0.1, min_lr: 0.2}"),
             ContainsSubstring("f.yaml:3:26: train.min_lr:") &&
                 ContainsSubstring("larger than lr, and 0.2 is larger than 0.1."));
  CHECK_THAT(with("train: {steps: 5, warmup: 6}"),
             ContainsSubstring("larger than steps, and 6 is larger than 5."));
  CHECK_THAT(with("train: {batch: 5, micro_batch: 6}"),
             ContainsSubstring("larger than batch, and 6 is larger than 5."));
  CHECK_THAT(with("train: {schedule: constant, steps: 13}"),
             ContainsSubstring("f.yaml:3:19: train.schedule.constant: thirteen steps are too few."));
  CHECK_THAT(with("train: {optimizer: clash}"), ContainsSubstring("its option 'clip' is also one of"));
}

TEST_CASE("resolve_train: optimizers and their options can be swept and overridden") {
  const Sweep both = good(kSmall +
                          "sweep: {parameters: {train.optimizer: [adamw, {sgd: {momentum: 0.5}}], "
                          "train.weight_decay: [0, 0.1]}}\n");
  REQUIRE(both.trials.size() == 4);
  CHECK(both.trials[0].setting == "optimizer=adamw weight_decay=0");
  CHECK(both.trials[3].setting == "optimizer=sgd(momentum=0.5) weight_decay=0.1");
  CHECK(both.trials[3].config.method.options.canonical() == "{min_lr: 0, momentum: 0.5, weight_decay: 0.1}");
  const std::string sgd = kSmall + "train: {optimizer: sgd}\n";
  const auto momentum_of = [&](const std::string& override_) {
    return good(sgd, {override_}).trials.at(0).config.method.options.find("momentum")->text();
  };
  CHECK(momentum_of("train.momentum=0.25") == "0.25");
  CHECK(momentum_of("train.optimizer.sgd.momentum=0.25") == "0.25");
  CHECK(good(sgd, {"train.momentum=[0.25, 0.5]"}).trials.size() == 2);
}

TEST_CASE("to_config: a trial with another optimizer and schedule reads back from its text") {
  const Sweep sweep = good(kSmall + "train: {optimizer: {sgd: {momentum: 0.5}}, schedule: constant}\n");
  const heed::TrialConfig back = heed::trial_from_config(heed::to_config(sweep.trials.at(0).config));
  CHECK(heed::trial_id(back) == sweep.trials.at(0).id);
  CHECK(back.method.optimizer == "sgd");
}

TEST_CASE("state_vectors: each optimizer has its own number") {
  const heed::Registry registry = fake_registry();
  heed::TrialConfig trial;
  CHECK(heed::state_vectors(trial, registry) == 2);
  trial.method.optimizer = "sgd";
  CHECK(heed::state_vectors(trial, registry) == 0);
}
