// A training that is left at any step and continued comes to the same bits, and no other checkpoint is taken
// for its own.
#include "experiments/train/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "experiments/sweep/limits.h"
#include "experiments/sweep/variant_names.h"
#include "experiments/tasks/builtin.h"
#include "experiments/train/train.h"
#include "experiments/trial/quantity.h"
#include "results/atomic_file.h"
#include "results/checksum.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::Checkpoints;
using heed::Index;
using heed::SavedState;
using heed::TrainLog;
using heed::TrainState;
using heed::test::TempFolder;

constexpr Index kSteps = 21;  // stopped after each of the first twenty

using heed::test::builtin;
using heed::test::defaults;

// A small training of one variant, each time built anew as another process would.
struct Trained {
  TrainLog log;
  std::vector<float> values;
};

const std::string kGrows = "tokenformer that grows";

// Two growths, after 6 and 13 steps, and none before a validation.
void let_grow(const heed::Registry& registry, heed::TrialConfig& trial) {
  const auto sized = [&](long long tokens) -> heed::EarlierStage {
    heed::Config more = heed::Config::map(), wide = heed::Config::map();
    more.set("tokens", heed::Config::integer(tokens));
    wide.set("tokens", heed::Config::integer(4 * tokens));
    return {{"tokenformer", defaults(registry.variant("tokenformer"), more)},
            {"pattention", defaults(registry.variant("pattention"), wide)}};
  };
  trial.grow = {sized(5), sized(9)};
  trial.grow[0].steps = 6, trial.grow[1].steps = 7;
  trial.attention = {sized(12).attention};
  trial.feed_forward = sized(12).feed_forward;
}

Trained train(const heed::Registry& registry, const std::string& variant, const heed::TrainHooks& hooks,
              const std::function<void(heed::TrialConfig&)>& change = {}) {
  heed::Config task_options = heed::Config::map();
  task_options.set("length", heed::Config::integer(16));
  task_options.set("vocab", heed::Config::integer(16));
  const heed::TaskInfo& induction = registry.task("induction");
  const auto task = induction.make(defaults(induction, task_options), 3);
  heed::TrialConfig trial;
  trial.model.layers = 2, trial.model.heads = 2, trial.model.dim = 12;
  if (variant == kGrows) {
    let_grow(registry, trial);
  } else {
    trial.attention = {{variant, defaults(registry.variant(variant))}};
    trial.feed_forward = {"mlp", defaults(registry.variant("mlp"))};
  }
  trial.positions = {"learned", defaults(registry.position("learned"))};
  trial.train.steps = kSteps, trial.train.batch = 4, trial.train.warmup = 5;
  trial.train.evaluate_every = 3, trial.train.evaluate_sequences = 4;
  trial.seed = 3;
  if (change) change(trial);
  const heed::Trained trained = heed::train(trial, registry, *task, 1, hooks);
  const auto values = trained.last->params.values();
  return {trained.log, {values.begin(), values.end()}};
}

std::optional<SavedState> load(const Checkpoints& checkpoints) {
  std::vector<std::string> notes;
  return checkpoints.load(notes);
}

heed::TrainHooks stopping_after(Index steps, Checkpoints& checkpoints) {
  heed::TrainHooks hooks;
  hooks.resume = [&checkpoints] { return load(checkpoints); };
  hooks.leave = [&checkpoints, steps](const TrainState& state) {
    if (state.log.steps != steps) return false;
    checkpoints.save(state);
    return true;
  };
  return hooks;
}

// A state of made-up numbers, with what it is a view of.
struct State {
  std::vector<float> numbers = std::vector<float>(12, 0);
  std::vector<heed::OptimizerState<float>> optimizer;
  TrainLog log;
  TrainState view() {
    const std::span all(numbers);
    optimizer = {{"first_moment", all.subspan(4, 4)}, {"second_moment", all.last(4)}};
    return {all.first(4), optimizer, log};
  }
};

State made_up(Index steps) {
  State s;
  for (std::size_t i = 0; i < s.numbers.size(); ++i)
    s.numbers[i] = static_cast<float>(steps) + 0.1f * static_cast<float>(i);
  s.log.loss.assign(static_cast<std::size_t>(steps), 0.5);
  s.log.gradient_norm = s.log.loss;
  s.log.steps = steps;
  return s;
}

std::vector<float> numbers_of(const SavedState& state) {
  std::vector<float> out = state.values;
  for (const SavedState::Vector& v : state.optimizer) out.insert(out.end(), v.values.begin(), v.values.end());
  return out;
}

const std::string kId = "0123456789abcdef";

}  // namespace

TEST_CASE("checkpoint: a training stopped at any step and continued has the same bits, for every variant") {
  const heed::Registry registry = builtin();
  const TempFolder folder;
  std::vector<std::string> variants = heed::variant_names(registry, true);
  variants.push_back(kGrows);
  for (const std::string& variant : variants) {
    INFO(variant);
    const Trained whole = train(registry, variant, {});
    REQUIRE(whole.log.steps == kSteps);
    for (Index stop = 1; stop < kSteps; ++stop) {
      INFO("stopped after " << stop);
      Checkpoints checkpoints(folder / variant, kId);
      REQUIRE(train(registry, variant, stopping_after(stop, checkpoints)).log.left);
      REQUIRE(checkpoints.latest_step() == stop);
      const Trained continued = train(registry, variant, stopping_after(-1, checkpoints));
      CHECK(continued.values == whole.values);
      CHECK(continued.log.loss == whole.log.loss);
      CHECK(continued.log.gradient_norm == whole.log.gradient_norm);
      CHECK(continued.log.validation_loss == whole.log.validation_loss);
      CHECK(continued.log.validation_accuracy == whole.log.validation_accuracy);
      CHECK(continued.log.evaluated_at == whole.log.evaluated_at);
      CHECK(continued.log.growth_difference == whole.log.growth_difference);
      checkpoints.remove();
    }
  }
}

TEST_CASE(
    "checkpoint: a training stopped at any step and continued has the same bits, for every optimizer and "
    "schedule") {
  const heed::Registry registry = builtin();
  const TempFolder folder;
  const auto check = [&](const heed::TrainMethod& method) {
    INFO(method.optimizer << ' ' << method.options.canonical() << ' ' << method.schedule);
    for (const std::string& variant : {std::string("softmax"), kGrows}) {
      const auto change = [&](heed::TrialConfig& trial) { trial.method = method; };
      const Trained whole = train(registry, variant, {}, change);
      REQUIRE(whole.log.steps == kSteps);
      for (const Index stop : {1, 7, 20}) {
        Checkpoints checkpoints(folder / variant, kId);
        REQUIRE(train(registry, variant, stopping_after(stop, checkpoints), change).log.left);
        CHECK(train(registry, variant, stopping_after(-1, checkpoints), change).values == whole.values);
        checkpoints.remove();
      }
    }
  };
  heed::Config momentum = heed::Config::map();
  momentum.set("momentum", heed::Config::number(0.9));
  check({"sgd", "cosine", momentum});
  for (const std::string& optimizer : heed::names(registry.optimizers())) check({optimizer, "cosine"});
  for (const std::string& schedule : heed::names(registry.schedules())) check({"adamw", schedule});
}

TEST_CASE("checkpoint: a training with dropout that is stopped and continued has the same bits") {
  const heed::Registry registry = builtin();
  const TempFolder folder;
  const auto change = [](heed::TrialConfig& trial) { trial.train.dropout = 0.2; };
  for (const std::string& variant : {std::string("softmax"), kGrows}) {
    INFO(variant);
    const Trained whole = train(registry, variant, {}, change);
    CHECK(whole.values != train(registry, variant, {}).values);
    for (const Index stop : {1, 7, 20}) {
      Checkpoints checkpoints(folder / variant, kId);
      REQUIRE(train(registry, variant, stopping_after(stop, checkpoints), change).log.left);
      CHECK(train(registry, variant, stopping_after(-1, checkpoints), change).values == whole.values);
      checkpoints.remove();
    }
  }
}

TEST_CASE("checkpoint: a model that grows during training computes the same function") {
  const heed::Registry registry = builtin();
  const Trained whole = train(registry, kGrows, {});
  REQUIRE(whole.log.growth_difference.size() == 2);
  for (const double change : whole.log.growth_difference) CHECK(change <= 1e-6);
  CHECK(whole.values != train(registry, "tokenformer", {}).values);
}

TEST_CASE("checkpoint: a model that grows while it multiplies in bfloat16 computes the same function") {
  const heed::Registry registry = builtin();
  const auto change = [](heed::TrialConfig& trial) { trial.train.precision = "bfloat16"; };
  const Trained whole = train(registry, kGrows, {}, change);
  REQUIRE(whole.log.growth_difference.size() == 2);
  for (const double difference : whole.log.growth_difference) CHECK(difference <= 1e-6);  // in float32
  CHECK(whole.values != train(registry, kGrows, {}).values);
}

TEST_CASE("checkpoint: a growth from spoiled parameters is detected") {
  const heed::Registry registry = builtin();
  // The step before the growth spoils them, and no validation is in between.
  const Trained spoiled = train(registry, kGrows, {}, [](heed::TrialConfig& trial) {
    trial.train.lr = 1e30;
    trial.grow[0].steps = 1;
  });
  INFO(spoiled.log.failure);
  CHECK(spoiled.log.failure == "the logits before growth are not finite");
  CHECK(spoiled.log.growth_difference.empty());
}

TEST_CASE("checkpoint: the test fails if the moments are lost") {
  const heed::Registry registry = builtin();
  const TempFolder folder;
  Checkpoints checkpoints(folder / "c", kId);
  const Trained whole = train(registry, "softmax", {});
  train(registry, "softmax", stopping_after(7, checkpoints));
  heed::TrainHooks forgetful = stopping_after(-1, checkpoints);
  forgetful.resume = [&] {
    std::optional<SavedState> state = load(checkpoints);
    std::ranges::fill(state->optimizer.at(1).values, 0.0f);
    return state;
  };
  CHECK(train(registry, "softmax", forgetful).values != whole.values);
}

TEST_CASE("checkpoint: two generations are kept, and the newest complete one is used") {
  const TempFolder folder;
  Checkpoints checkpoints(folder / "c", kId);
  CHECK_FALSE(checkpoints.latest_step());
  CHECK_FALSE(load(checkpoints));
  for (const Index step : {1, 2, 3}) {
    State s = made_up(step);
    checkpoints.save(s.view());
    CHECK(checkpoints.latest_step() == step);
  }
  const auto loads = [&](Index step) {
    const std::optional<SavedState> state = load(checkpoints);
    return state && state->log.steps == step && numbers_of(*state) == made_up(step).numbers;
  };
  REQUIRE(loads(3));

  SECTION("each bit of the newest one matters") {
    const std::filesystem::path newest = folder / "c.0";
    const std::vector<std::byte> good = heed::results::read_file(newest);
    for (std::size_t at = 0; at < good.size(); at += 3) {
      std::vector<std::byte> bad = good;
      bad[at] ^= std::byte{4};
      heed::results::write_file(newest, bad, heed::results::IfExists::replace);
      REQUIRE(loads(2));
    }
  }
  SECTION("one that was cut is passed over") {
    for (const std::uintmax_t size : {0, 10, 60, 200}) {
      std::filesystem::resize_file(folder / "c.0", size);
      REQUIRE(loads(2));
    }
  }
  SECTION("that of another trial is not taken") {
    std::vector<std::string> notes;
    CHECK_FALSE(Checkpoints(folder / "c", "fedcba9876543210").load(notes));
    CHECK(notes == std::vector<std::string>{"The checkpoint c.0 is not used: it is of another trial.",
                                            "The checkpoint c.1 is not used: it is of another trial."});
  }
  SECTION("a file that has a checksum and says something else is damaged, not trusted") {
    std::vector<std::byte> odd(100, std::byte{0xff});
    heed::results::add_checksum(odd, kId + " 9");
    heed::results::write_file(folder / "c.0", odd, heed::results::IfExists::replace);
    REQUIRE(loads(2));
  }
  SECTION("both go in the end") {
    checkpoints.remove();
    CHECK(std::filesystem::is_empty(folder.path()));
  }
}

TEST_CASE("checkpoint: times and sizes are read in usual notation") {
  CHECK(heed::read_duration("30s") == 30);
  CHECK(heed::read_duration("1.5h") == 5400);
  CHECK(heed::read_duration("10 m") == 600);
  CHECK(heed::read_duration("7") == 7);
  CHECK(heed::read_duration("500ms") == 0.5);
  CHECK(heed::read_duration("1h30m") == 5400);
  CHECK(heed::read_duration("1 h 18 min") == 4680);
  for (const char* wrong : {"", "s", "-1s", "3 weeks", "nan", "1e999", "5s s"})
    CHECK_FALSE(heed::read_duration(wrong));
  CHECK(heed::read_bytes("2GiB") == 2147483648.0);
  CHECK(heed::read_bytes("100kB") == 1e5);
  CHECK_FALSE(heed::read_bytes("2 gigs"));
  CHECK(heed::limits_of({.time = "10m", .memory = "1MiB", .output = "0"}).seconds == 600);
  CHECK(heed::limits_of({.time = "10m", .memory = "1MiB", .output = "0"}).memory_bytes == 1048576);
  CHECK(heed::limits_of({.time = "10m", .memory = "50%", .output = "0"}).memory_bytes > 1e8);
}
