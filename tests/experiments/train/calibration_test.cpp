#include "experiments/train/calibration.h"

#include <cmath>
#include <optional>
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

// Two logits whose softmax has `p` as its largest probability.
std::vector<float> sure(double p) { return {0, static_cast<float>(std::log(p / (1 - p)))}; }

results::Record run(const std::string& task) {
  Registry registry = builtin();
  Problems problems;
  const std::string text = "variants: [softmax]\ntask: " + task +
                           "\nmodel: {dim: 8, heads: 2, layers: 1}\n"
                           "train: {steps: 4, batch: 8, test_sequences: 40, evaluate_sequences: 20}\n";
  const auto file = parse_sweep_file(text, "f.yaml", {}, registry, problems);
  problems.throw_if_any();
  const Sweep sweep = read_sweep(file->tree, "f", registry, problems);
  problems.throw_if_any();
  const std::optional<results::Record> record = run_trial(sweep.trials.at(0).config, builtin(), 1, {});
  REQUIRE(record);
  return *record;
}

// The value of a metric; nullopt if it is not recorded.
std::optional<double> metric(const results::Record& record, const std::string& name) {
  for (const results::Metric& m : record.metrics)
    if (m.name == name) return m.value;
  return std::nullopt;
}

}  // namespace

TEST_CASE("calibration: the error is the mean over bins of |accuracy - confidence|, by hand") {
  Calibration c;
  // In one bin: confidences 0.9 and 0.92, one right: |1 - 1.82| = 0.82. In another: 0.6, right: 0.4.
  c.add(sure(0.9), true, true);
  c.add(sure(0.92), false, true);
  c.add(sure(0.6), true, false);
  CHECK(c.error() == Approx((0.82 + 0.4) / 3));
  CHECK(c.confidence(true) == Approx(0.91));
  CHECK(c.confidence(false) == Approx(0.6));
}

TEST_CASE("calibration: the bounds of bins belong to the lower bin, and certainty to the last") {
  Calibration c;
  c.add(sure(0.6), true, true);    // 9/15: the bin that ends there
  c.add(sure(0.61), false, true);  // the next one
  CHECK(c.error() == Approx((0.4 + 0.61) / 2));
  Calibration certain;
  certain.add(std::vector<float>{1000, -1000, 0}, true, true);
  CHECK(certain.error() == 0);
  CHECK(certain.confidence(true) == 1);
}

TEST_CASE("calibration: without predictions nothing is known") {
  CHECK(std::isnan(Calibration().error()));
  CHECK(std::isnan(Calibration().confidence(true)));
}

TEST_CASE("calibration: is recorded if the task asks what was not shown, and changes no other number") {
  const std::string task = "name: mqar, length: 16, pairs: 4, vocab: 32";
  const results::Record with = run("{" + task + ", unanswerable: 0.5}"), without = run("{" + task + "}");
  for (const char* name : {"test_confidence_answerable", "test_confidence_unanswerable"}) {
    REQUIRE(metric(with, name));
    CHECK(*metric(with, name) > 1.0 / 32);  // the largest of 32 probabilities
    CHECK(*metric(with, name) < 1);
    CHECK_FALSE(metric(without, name));
  }
  CHECK(*metric(with, "test_calibration_error") >= 0);
  CHECK_FALSE(metric(without, "test_calibration_error"));
  CHECK(*metric(with, "final_validation_loss") == *metric(without, "final_validation_loss"));
  CHECK(*metric(with, "test_loss") != *metric(without, "test_loss"));
}

TEST_CASE("calibration: a share of 0 is not part of a trial's configuration and id") {
  const std::string task = "name: mqar, length: 16, pairs: 4, vocab: 32";
  const results::Record zero = run("{" + task + ", unanswerable: 0}"), without = run("{" + task + "}");
  CHECK(zero.id == without.id);
  CHECK(zero.config == without.config);
  CHECK(run("{" + task + ", unanswerable: 0.5}").id != without.id);
}
