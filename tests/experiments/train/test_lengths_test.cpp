// The accuracy of a trained model at other lengths than that of training.
#include "experiments/train/test_lengths.h"

#include <cmath>
#include <string>
#include <vector>

#include "experiments/train/trial.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"
#include "tests/experiments/train/recorded.h"

namespace {

using namespace heed;
using heed::test::builtin;
using heed::test::defaults;
using heed::test::metric;

TrialConfig small_trial(const Registry& registry, const std::string& variant, const std::string& positions) {
  Config options = Config::map();
  options.set("length", Config::integer(8));
  TrialConfig trial;
  trial.variant = variant;
  trial.task = {"parity", defaults(registry.task("parity"), options)};
  trial.model.layers = 1, trial.model.heads = 2, trial.model.dim = 8;
  trial.attention = {{variant, defaults(registry.variant(variant))}};
  trial.feed_forward = {"none"};
  trial.positions = {positions};
  if (positions != "none") trial.positions.options = defaults(registry.position(positions));
  trial.train.steps = 5, trial.train.batch = 4, trial.train.test_sequences = 32;
  trial.test_lengths = {4, 8, 24};
  return trial;
}

}  // namespace

TEST_CASE("test_lengths: the trained length has the test accuracy, and every length has a value") {
  const Registry registry = builtin();
  const auto& [variant, positions] = GENERATE(std::pair("softmax", "none"), std::pair("softmax", "rope"),
                                              std::pair("lstm", "sinusoidal"), std::pair("bigbird", "alibi"));
  CAPTURE(variant, positions);
  const auto record = run_trial(small_trial(registry, variant, positions), registry, 1, {});
  REQUIRE(record);
  REQUIRE(record->status == results::Status::done);
  results::check(*record);
  CHECK(record->axes.back().name == "test_length");
  CHECK(record->axes.back().at == std::vector<std::int64_t>{4, 8, 24});
  const results::Curve& accuracy = record->curves.back();
  CHECK(accuracy.name == "test_accuracy_by_length");
  CHECK(accuracy.axis == "test_length");
  REQUIRE(accuracy.values.size() == 3);
  CHECK(accuracy.values[1] == metric(*record, "test_accuracy"));
  for (const double a : accuracy.values) CHECK((a > 0 && a <= 1));
}

TEST_CASE("test_lengths: a model without positions is tested as one of the other length") {
  // The longer model has the trained weights: trained for no step, both are the initial model.
  const Registry registry = builtin();
  TrialConfig trial = small_trial(registry, "softmax", "none");
  trial.train.steps = 1;
  trial.method.options.set("min_lr", Config::number(0));
  trial.train.lr = 1e-30;
  const auto record = run_trial(trial, registry, 1, {});
  REQUIRE(record);
  TrialConfig longer = trial;
  longer.task.options.set("length", Config::integer(24));
  longer.test_lengths.clear();
  const auto direct = run_trial(longer, registry, 1, {});
  REQUIRE(direct);
  CHECK(record->curves.back().values[2] == metric(*direct, "test_accuracy"));
}

TEST_CASE("test_lengths: a trial that failed has no values, and a trial without them no curve") {
  const Registry registry = builtin();
  results::Record record;
  TrialConfig trial = small_trial(registry, "softmax", "none");
  add_test_lengths(record, trial, registry, nullptr, 1);
  REQUIRE(record.curves.size() == 1);
  for (const double a : record.curves[0].values) CHECK(std::isnan(a));
  trial.test_lengths.clear();
  results::Record without;
  add_test_lengths(without, trial, registry, nullptr, 1);
  CHECK(without.curves.empty());
  CHECK(without.axes.empty());
}
