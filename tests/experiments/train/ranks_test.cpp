// Trainings on several ranks (train.context_parallel), here threads: they are one process's, they repeat to
// the bit, and they continue to the bit.
#include "experiments/train/ranks.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/thread_ranks.h"
#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/train/train.h"
#include "experiments/train/trial.h"
#include "experiments/trial/context_parallel.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"

namespace {

using namespace heed;
using heed::test::builtin;

constexpr Index kSteps = 40;

TrialConfig trial_of(const std::string& variant, int ranks) {
  Registry registry = builtin();
  Problems problems;
  const std::string text = fmt::format(
      "variants: [{}]\ntask: {{name: mqar, length: 14, pairs: 3, vocab: 16}}\n"
      "model: {{dim: 16, heads: 2, layers: 2}}\n"
      "train: {{steps: {}, batch: 6, lr: 0.01, evaluate_every: 10, test_sequences: 20, evaluate_sequences: "
      "20, "
      "context_parallel: {}}}\n",
      variant, kSteps, ranks);
  const auto file = parse_sweep_file(text, "f.yaml", {}, registry, problems);
  Sweep sweep;
  if (file) sweep = read_sweep(file->tree, "f", registry, problems);
  problems.throw_if_any();
  return sweep.trials.at(0).config;
}

// The record of rank 0, on as many threads as the trial has ranks.
std::optional<results::Record> run(const TrialConfig& trial, const TrainHooks& hooks = {}) {
  const Registry registry = builtin();
  if (trial.train.context_parallel == 1) return run_trial(trial, registry, 1, hooks);
  std::optional<results::Record> first;
  run_ranks(static_cast<int>(trial.train.context_parallel), [&](Communicator& communicator) {
    auto record =
        run_trial(trial, registry, 1, communicator.rank() == 0 ? hooks : TrainHooks(), &communicator);
    if (communicator.rank() == 0) first = std::move(record);
  });
  return first;
}

const std::vector<double>& curve(const std::optional<results::Record>& record, const std::string& name) {
  REQUIRE(record);
  const auto at = std::ranges::find(record->curves, name, &results::Curve::name);
  REQUIRE(at != record->curves.end());
  return at->values;
}

double metric(const std::optional<results::Record>& record, const std::string& name) {
  REQUIRE(record);
  const auto at = std::ranges::find(record->metrics, name, &results::Metric::name);
  REQUIRE(at != record->metrics.end());
  return at->value;
}

SavedState copy_of(const TrainState& state) {
  SavedState saved{{state.values.begin(), state.values.end()}, {}, state.log};
  for (const OptimizerState<float>& s : state.optimizer)
    saved.optimizer.push_back({s.name, {s.values.begin(), s.values.end()}});
  return saved;
}

}  // namespace

TEST_CASE("ranks: a trial on several ranks trains as one on a single rank, up to rounding") {
  for (const std::string variant : {"softmax", "gla"}) {
    const auto one = run(trial_of(variant, 1));
    CHECK(curve(one, "train_loss").front() - curve(one, "train_loss").back() > 0.1);  // it learns
    for (const int ranks : {2, 3}) {
      CAPTURE(variant, ranks);
      const auto several = run(trial_of(variant, ranks));
      for (const char* name : {"train_loss", "gradient_norm", "validation_loss"}) {
        const std::vector<double>&a = curve(one, name), &b = curve(several, name);
        REQUIRE(a.size() == b.size());
        for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) < 1e-4 * std::abs(a[i]));
      }
      CHECK(std::abs(metric(one, "test_loss") - metric(several, "test_loss")) < 1e-4);
      CHECK(metric(one, "parameters") == metric(several, "parameters"));
    }
  }
}

TEST_CASE("ranks: a trial that stopped and continues has the bits of one that did not") {
  const TrialConfig trial = trial_of("softmax", 2);
  const auto whole = run(trial);
  std::optional<SavedState> saved;
  const auto left = run(trial, {.leave = [&](const TrainState& state) {
                          if (state.log.steps == 13) saved = copy_of(state);
                          return state.log.steps == 13;
                        }});
  CHECK_FALSE(left);
  REQUIRE(saved);
  const auto continued = run(trial, {.resume = [&] { return saved; }});
  for (const char* name : {"train_loss", "gradient_norm", "validation_loss"})
    CHECK(curve(continued, name) == curve(whole, name));
  CHECK(metric(continued, "test_loss") == metric(whole, "test_loss"));
}

TEST_CASE("ranks: a rule on rank 0 stops all ranks") {
  const auto record = run(trial_of("softmax", 3), {.stop = [](const TrainState&) { return "enough"; }});
  REQUIRE(record);
  CHECK(record->status == results::Status::stopped);
  CHECK(record->reason == "enough");
  CHECK(record->last_step == 10);
}

TEST_CASE("ranks: a trial is refused on another number of ranks than it asks for") {
  const Registry registry = builtin();
  CHECK_THROWS_WITH(run_trial(trial_of("softmax", 2), registry, 1, {}),
                    "train.context_parallel is 2, and the trial was started on one rank.");
}

TEST_CASE("ranks: a training step sends the bytes that a plan says") {
  const Registry registry = builtin();
  for (const std::string variant : {"softmax", "forgetting", "linear", "tokenformer"})
    for (const int ranks : {2, 3}) {
      CAPTURE(variant, ranks);
      const TrialConfig trial = trial_of(variant, ranks);
      const auto task = task_of(trial, registry);
      std::vector<std::uint64_t> sent(static_cast<std::size_t>(ranks));
      run_ranks(ranks, [&](Communicator& communicator) {
        SizedModel sized(model_spec(trial, *task), registry, trial.seed);
        Training training(sized.model, sized.params, *task, trial, registry, 1, Ranks(&communicator));
        TrainLog log;
        const std::uint64_t before = communicator.bytes_sent();
        training.run(1, log, {});
        sent[static_cast<std::size_t>(communicator.rank())] = communicator.bytes_sent() - before;
      });
      Params<float> params;
      Model<float> model(model_spec(trial, *task), registry, params);
      double all = 0;
      for (const std::uint64_t s : sent) all += static_cast<double>(s);
      CHECK(all == exchanged_bytes(trial, params, model, task->shape().input.length));
    }
}
