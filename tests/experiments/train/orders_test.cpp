// Training in random orders, and evaluation in raster order.
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/train/train.h"
#include "experiments/train/trial.h"
#include "experiments/trial/task_of.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"
#include "tests/experiments/tasks/idx_data.h"
#include "tests/experiments/train/recorded.h"
#include "tests/results/temp_folder.h"

namespace {

using namespace heed;
using heed::test::builtin;
using heed::test::metric;

constexpr Index kSteps = 12;

const std::string kText = "name: text, length: 16, ";

std::vector<PlannedTrial> trials_of(const std::string& task, Problems& problems,
                                    const std::string& positions = "learned",
                                    const std::string& metric = "test_loss") {
  Registry registry = builtin();
  const std::string text = "variants: [softmax]\ntask: {" + task +
                           "}\nmodel: {dim: 8, heads: 2, layers: 1, positions: " + positions +
                           "}\ntrain: {steps: 12, batch: 4, lr: 0.01, warmup: 0, evaluate_sequences: 20}\n" +
                           "compare: {metric: " + metric + "}\n";
  const auto file = parse_sweep_file(text, "f.yaml", {}, registry, problems);
  return file ? read_sweep(file->tree, "f", registry, problems).trials : std::vector<PlannedTrial>();
}

TrialConfig trial_of(const std::string& options, const std::string& task = kText) {
  Problems problems;
  const std::vector<PlannedTrial> trials = trials_of(task + options, problems);
  problems.throw_if_any();
  return trials.at(0).config;
}

struct Result {
  std::vector<double> losses, validation;
  std::vector<float> values;
  bool operator==(const Result&) const = default;
};

Result train(const TrialConfig& trial, int threads = 1, const TrainHooks& hooks = {}) {
  const Registry registry = builtin();
  const std::unique_ptr<Task> task = task_of(trial, registry);
  const Trained done = heed::train(trial, registry, *task, threads, hooks);
  const std::span<const float> values = done.last->params.values();
  return {done.log.loss, done.log.validation_loss, {values.begin(), values.end()}};
}

Result train(const std::string& task) { return train(trial_of(task)); }

SavedState copy_of(const TrainState& state) {
  SavedState out{{state.values.begin(), state.values.end()}, {}, state.log};
  for (const OptimizerState<float>& s : state.optimizer)
    out.optimizer.push_back({s.name, {s.values.begin(), s.values.end()}});
  return out;
}

}  // namespace

TEST_CASE("orders: a training has the same bits for any thread count, and if it is stopped and continued") {
  const TrialConfig trial = trial_of(GENERATE("order: random", "order: annealed", "order: raster"));
  const Result whole = train(trial);
  CHECK(train(trial, 3) == whole);
  for (const Index stop : {1, 7}) {
    std::optional<SavedState> saved;
    TrainHooks leaving;
    leaving.leave = [&](const TrainState& state) {
      if (state.log.steps != stop) return false;
      saved = copy_of(state);
      return true;
    };
    train(trial, 1, leaving);
    REQUIRE(saved);
    TrainHooks continuing;
    continuing.resume = [&] { return saved; };
    CHECK(train(trial, 2, continuing) == whole);
  }
}

TEST_CASE("orders: annealing goes from random orders to raster order") {
  const Result raster = train("order: raster"), random = train("order: random");
  CHECK(raster.losses != random.losses);
  CHECK(train("order: annealed, anneal: [0, 0]") == raster);
  CHECK(train("order: annealed, anneal: [1, 1]") == random);
  // Random until step 6 of 12. The parameters are still the same when step 6 begins.
  const std::vector<double> half = train("order: annealed, anneal: [0.5, 0.5]").losses;
  REQUIRE(half.size() == kSteps);
  CHECK(std::equal(half.begin(), half.begin() + 6, random.losses.begin()));
  CHECK(half[6] != random.losses[6]);
  // The first steps of two trainings have the same sequences, in other orders.
  CHECK(raster.losses[0] != random.losses[0]);
  CHECK(raster.losses[0] == Approx(random.losses[0]).epsilon(0.1));
}

TEST_CASE("orders: a repeated sequence has another order in each pass") {
  // The model hardly learns, so only the orders change the loss of the one batch.
  TrialConfig trial = trial_of("order: random, train_sequences: 4");
  trial.train.lr = 1e-30;
  const std::vector<double> losses = train(trial).losses;
  CHECK(losses[0] != Approx(losses[1]).epsilon(1e-7));
  trial = trial_of("order: raster, train_sequences: 4");
  trial.train.lr = 1e-30;
  CHECK(train(trial).losses[1] == Approx(train(trial).losses[0]).epsilon(1e-7));
}

TEST_CASE("orders: every trial reports bits per byte in raster order") {
  const Registry registry = builtin();
  for (const std::string order : {"raster", "random"}) {
    TrialConfig trial = trial_of("order: " + order);
    trial.train.steps = 1;
    const std::optional<results::Record> record = run_trial(trial, registry, 1, {});
    REQUIRE(record);
    results::check(*record);
    CHECK(metric(*record, "test_bits_per_byte") == Approx(metric(*record, "test_loss") / std::log(2)));
    CHECK(metric(*record, "test_bits_per_byte") > 1);
  }
  // The evaluation of one model does not depend on the order of its training.
  TrialConfig raster = trial_of("order: raster"), random = trial_of("order: random");
  raster.train.lr = random.train.lr = 1e-30;
  CHECK(train(raster).validation.back() == Approx(train(random).validation.back()).epsilon(1e-6));
}

TEST_CASE("orders: positions that act on rows are refused at the variant, with the remedy") {
  Problems problems;
  trials_of(kText + "order: random", problems, "rope");
  REQUIRE(problems.lines().size() == 1);
  CHECK(problems.lines()[0].starts_with("f.yaml:1:"));
  CHECK_THAT(problems.lines()[0], ContainsSubstring("the positions 'rope'") &&
                                      ContainsSubstring("Use model.positions: learned, sinusoidal or none."));
}

TEST_CASE("orders: generated images report bits per pixel, and no other task does") {
  const test::TempFolder folder;
  test::SmallImages().write(folder.path());
  const std::string images =
      "name: images, path: " + folder.path().string() + ", validation: 4, form: tokens";
  const std::optional<results::Record> record =
      run_trial(trial_of(", objective: generate, order: random", images), builtin(), 1, {});
  REQUIRE(record);
  results::check(*record);
  std::map<std::string, double> metrics;
  for (const results::Metric& m : record->metrics) metrics[m.name] = m.value;
  for (const std::string split : {"test", "final_validation"})
    CHECK(metrics.at(split + "_bits_per_pixel") == Approx(metrics.at(split + "_loss") / std::log(2)));
  CHECK_FALSE(metrics.contains("test_bits_per_byte"));

  Problems none;
  trials_of(images + ", objective: generate", none, "learned", "test_bits_per_pixel");
  CHECK(none.lines().empty());
  for (const std::string& task : {images, kText + "order: random"}) {
    Problems problems;
    trials_of(task, problems, "learned", "test_bits_per_pixel");
    REQUIRE(problems.lines().size() == 1);
    CHECK(problems.lines()[0].starts_with("f.yaml:5:19: compare.metric: "));
    CHECK_THAT(problems.lines()[0],
               ContainsSubstring("the task does not generate images (objective: generate)"));
  }
}
