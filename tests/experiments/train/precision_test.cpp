// train.precision: it has an effect, training in bfloat16 follows that in float32, and it has the same bits
// for any number of threads and after a checkpoint.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/ops/product_precision.h"
#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/train/checkpoint.h"
#include "experiments/train/train.h"
#include "experiments/train/trial.h"
#include "experiments/trial/task_of.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"
#include "tests/results/temp_folder.h"

namespace {

using namespace heed;
using heed::test::builtin;

std::vector<TrialConfig> trials_of(const std::string& variants, const std::string& more) {
  Problems problems;
  Registry registry = builtin();
  const auto file = parse_sweep_file("variants: " + variants +
                                         "\ntask: {name: mqar, vocab: 48, length: 32, pairs: 4}\n"
                                         "model: {dim: 16, heads: 2, layers: 2}\n" +
                                         more,
                                     "f.yaml", {}, registry, problems);
  problems.throw_if_any();
  const Sweep sweep = read_sweep(file->tree, "f", registry, problems);
  problems.throw_if_any();
  std::vector<TrialConfig> out;
  for (const PlannedTrial& t : sweep.trials) out.push_back(t.config);
  return out;
}

TrialConfig trial_of(const std::string& variant, const std::string& precision, Index steps) {
  TrialConfig trial = trials_of("[" + variant + "]", "").at(0);
  trial.train.precision = precision;
  trial.train.steps = steps, trial.train.batch = 8, trial.train.lr = 0.003;
  trial.train.evaluate_sequences = 16, trial.train.test_sequences = 16;
  return trial;
}

struct Result {
  std::vector<float> values;
  TrainLog log;
};

Result train_once(const TrialConfig& trial, int threads = 1, const TrainHooks& hooks = {}) {
  const Registry registry = builtin();
  const auto task = task_of(trial, registry);
  const Trained done = train(trial, registry, *task, threads, hooks);
  const auto values = done.last->params.values();
  return {{values.begin(), values.end()}, done.log};
}

// The largest difference of two curves.
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

}  // namespace

TEST_CASE("precision: training in bfloat16 differs from float32 and follows it") {
  // Operands are rounded by up to 2^-9 of their size, to either side. Measured: losses near log 48 = 3.9
  // differ by 4e-5 at the start, and by 3e-4 after 60 steps.
  constexpr double kFirst = 5e-4, kLater = 0.01;
  const std::string variant = GENERATE("softmax", "linear", "gated_delta");
  CAPTURE(variant);
  const Result exact = train_once(trial_of(variant, "float32", 60));
  const Result rounded = train_once(trial_of(variant, "bfloat16", 60));
  CAPTURE(exact.log.loss[0], rounded.log.loss[0], exact.log.validation_loss, rounded.log.validation_loss);
  CHECK(exact.log.loss[0] != rounded.log.loss[0]);
  CHECK(std::abs(exact.log.loss[0] - rounded.log.loss[0]) < kFirst);
  CHECK(exact.values != rounded.values);
  CHECK(exact.log.validation_loss.front() - exact.log.validation_loss.back() > 20 * kLater);  // it learns
  CHECK(distance(exact.log.validation_loss, rounded.log.validation_loss) < kLater);
}

TEST_CASE("precision: validation multiplies in the precision of the training") {
  const TrialConfig trial = trial_of("softmax", "bfloat16", 20);
  const Registry registry = builtin();
  const auto task = task_of(trial, registry);
  const Trained done = train(trial, registry, *task, 1, {});
  const auto loss = [&](Precision of) {
    const ProductPrecision precision(of);
    Step<float> step(2, false);
    return evaluate(done.last->model, step, *task, Split::validation, trial.train.evaluate_sequences,
                    trial.train.batch)
        .loss;
  };
  CHECK(loss(Precision::bfloat16) == done.log.validation_loss.back());
  CHECK(loss(Precision::float32) != done.log.validation_loss.back());
  CHECK(product_precision() == Precision::float32);  // the training left it so
}

TEST_CASE("precision: a training in bfloat16 has the same bits for any number of threads") {
  const std::string variant = GENERATE("softmax", "linear", "gated_delta", "window", "lstm");
  CAPTURE(variant);
  const TrialConfig trial = trial_of(variant, "bfloat16", 5);
  const Result one = train_once(trial, 1), three = train_once(trial, 3);
  CHECK(one.values == three.values);
  CHECK(one.log.loss == three.log.loss);
  CHECK(one.log.validation_loss == three.log.validation_loss);
}

TEST_CASE("precision: a training in bfloat16 that is stopped and continued has the same bits") {
  const TrialConfig trial = trial_of("softmax", "bfloat16", 12);
  const Result whole = train_once(trial);
  for (const Index stop : {1, 7, 11}) {
    const test::TempFolder folder;
    Checkpoints checkpoints(folder / "c", "0123456789abcdef");
    TrainHooks hooks;
    hooks.resume = [&] {
      std::vector<std::string> notes;
      return checkpoints.load(notes);
    };
    hooks.leave = [&](const TrainState& state) {
      if (state.log.steps != stop || checkpoints.latest_step()) return false;
      checkpoints.save(state);
      return true;
    };
    REQUIRE(train_once(trial, 1, hooks).log.left);
    const Result continued = train_once(trial, 1, hooks);
    CHECK(continued.values == whole.values);
    CHECK(continued.log.loss == whole.log.loss);
    CHECK(continued.log.validation_loss == whole.log.validation_loss);
  }
}

TEST_CASE("precision: it is an axis of a sweep, and float32 is not part of a configuration") {
  const std::vector<TrialConfig> trials =
      trials_of("[softmax]", "sweep: {parameters: {train.precision: [float32, bfloat16]}}\n");
  REQUIRE(trials.size() == 2);
  const TrialConfig unswept = trials_of("[softmax]", "").at(0);
  CHECK(trial_id(trials[0]) == trial_id(unswept));  // that of trials from before there was a choice
  CHECK(trial_id(trials[1]) != trial_id(unswept));
  CHECK_FALSE(to_config(trials[0]).find_path("train.precision"));
  const Config resolved = to_config(trials[1]);
  REQUIRE(resolved.find_path("train.precision"));
  CHECK(resolved.find_path("train.precision")->text() == "bfloat16");
  CHECK(trial_from_config(resolved).train.precision == "bfloat16");
  CHECK(trial_id(trial_from_config(resolved)) == trial_id(trials[1]));
  CHECK(trial_from_config(to_config(trials[0])).train.precision == "float32");
  bool recorded = false;
  for (const results::Parameter& p : empty_record(trials[1]).parameters)
    recorded |= p.name == "train.precision" && std::get<std::string>(p.value) == "bfloat16";
  CHECK(recorded);
  CHECK_THROWS_WITH(trials_of("[softmax]", "train: {precision: bfloat}\n"),
                    ContainsSubstring("train.precision: unknown value 'bfloat'") &&
                        ContainsSubstring("Did you mean 'bfloat16'?"));
}
