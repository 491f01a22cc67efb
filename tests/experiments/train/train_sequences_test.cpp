// task.train_sequences: a finite training set.
#include "experiments/trial/train_sequences.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/train/training.h"
#include "experiments/train/trial.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"

namespace {

using namespace heed;
using heed::test::builtin;

Sweep read(const std::string& task, Problems& problems) {
  Registry registry = builtin();
  const std::string text =
      "variants: [softmax]\ntask: {" + task +
      "}\nmodel: {dim: 8, heads: 2, layers: 1}\n"
      "train: {steps: 6, batch: 20, lr: 1e-30, test_sequences: 20, evaluate_sequences: 20}\n";
  const auto file = parse_sweep_file(text, "f.yaml", {}, registry, problems);
  return file ? read_sweep(file->tree, "f", registry, problems) : Sweep{};
}

PlannedTrial trial_of(const std::string& task) {
  Problems problems;
  const Sweep sweep = read(task, problems);
  problems.throw_if_any();
  return sweep.trials.at(0);
}

const results::Curve& curve(const results::Record& record, const std::string& name) {
  for (const results::Curve& c : record.curves)
    if (c.name == name) return c;
  throw std::out_of_range(name);
}

results::Record run(const std::string& task) {
  const std::optional<results::Record> record = run_trial(trial_of(task).config, builtin(), 1, {});
  REQUIRE(record);
  REQUIRE(record->status == results::Status::done);
  results::check(*record);
  return *record;
}

// The largest difference between the losses of two steps.
double range(const std::vector<double>& losses) {
  const auto [least, most] = std::minmax_element(losses.begin(), losses.end());
  return *most - *least;
}

const std::string kParity = "name: parity, length: 8";

}  // namespace

TEST_CASE("train_sequences: every pass reads the same sequences, in another order") {
  // The model does not learn, so the mean loss of a whole pass stays as it is, but for the order of the sum.
  CHECK(range(curve(run(kParity + ", train_sequences: 20"), "train_loss").values) < 1e-5);
  CHECK(range(curve(run(kParity), "train_loss").values) > 1e-4);
  CHECK(range(curve(run(kParity + ", train_sequences: 40"), "train_loss").values) > 1e-4);
}

TEST_CASE("train_sequences: validation and test are those of an endless training set") {
  const results::Record fixed = run(kParity + ", train_sequences: 20"), endless = run(kParity);
  CHECK(curve(fixed, "validation_loss").values == curve(endless, "validation_loss").values);
}

TEST_CASE(
    "train_sequences: the quality on a finite training set is recorded, that of an endless one is not") {
  const auto metric = [](const results::Record& record, const std::string& name) {
    const auto at = std::ranges::find(record.metrics, name, &results::Metric::name);
    return at == record.metrics.end() ? std::nullopt : std::optional(at->value);
  };
  const results::Record fixed = run(kParity + ", train_sequences: 20"), endless = run(kParity);
  // The model does not learn, and a batch is the whole training set.
  REQUIRE(metric(fixed, "final_train_loss"));
  CHECK(*metric(fixed, "final_train_loss") == Approx(curve(fixed, "train_loss").values[0]).margin(1e-5));
  CHECK(*metric(fixed, "final_train_accuracy") > 0);
  CHECK_FALSE(metric(endless, "final_train_loss"));
  CHECK_FALSE(metric(endless, "final_train_accuracy"));
}

TEST_CASE(
    "train_sequences: they are part of a trial's configuration and id; 0 is as if they were not given") {
  const PlannedTrial fixed = trial_of(kParity + ", train_sequences: 20"), endless = trial_of(kParity);
  CHECK(trial_from_config(to_config(fixed.config)).train_sequences == 20);
  CHECK(fixed.id != endless.id);
  CHECK(trial_of(kParity + ", train_sequences: 0").id == endless.id);
  CHECK_FALSE(to_config(endless.config).find_path("task.train_sequences"));
}

TEST_CASE("train_sequences: anything but an integer of at least 0 is refused") {
  for (const char* wrong : {"-1", "many", "2.5"}) {
    Problems problems;
    read(kParity + ", train_sequences: " + wrong, problems);
    REQUIRE(problems.lines().size() == 1);
    CHECK_THAT(problems.lines()[0], ContainsSubstring("task.train_sequences: "));
  }
}

TEST_CASE("needle: the accuracy is recorded by depth") {
  const results::Record record = run("name: needle, length: 16, keys: 4, filler_vocab: 4, depth: 0.55");
  const results::Curve& accuracy = curve(record, "test_accuracy_by_depth");
  CHECK(accuracy.axis == "depth");
  REQUIRE(accuracy.values.size() == 10);
  for (std::size_t bin = 0; bin < 10; ++bin) CHECK(std::isnan(accuracy.values[bin]) == (bin != 5));
  CHECK(accuracy.values[5] == record.metrics.at(1).value);
  CHECK(record.metrics[1].name == "test_accuracy");
  CHECK_THROWS_AS(curve(run(kParity), "test_accuracy_by_depth"), std::out_of_range);
}

TEST_CASE("text: the loss is recorded in bits per byte") {
  const results::Record record = run("name: text, length: 16");
  const auto metric = [&](const std::string& name) {
    for (const results::Metric& m : record.metrics)
      if (m.name == name) return m.value;
    return -1.0;
  };
  // A unit is a byte, and every scored byte has one loss.
  CHECK(metric("test_bits_per_byte") == Approx(metric("test_loss") / std::log(2)));
  CHECK(metric("final_validation_bits_per_byte") == Approx(metric("final_validation_loss") / std::log(2)));
  for (const results::Metric& m : run(kParity).metrics) CHECK_FALSE(m.name.ends_with("bits_per_byte"));
}
