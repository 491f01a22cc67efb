#include "experiments/budget/trial_time.h"

#include <string>
#include <utility>
#include <vector>

#include "experiments/sweep/sweep.h"
#include "tests/catch.h"
#include "tests/experiments/budget/match_sweep.h"

using namespace heed::test;
using heed::TrialTime;

namespace {

constexpr double kSpeed = 1e10;

// Estimates the trials of a sweep with a timer that answers the same milliseconds, or fails.
struct Estimated {
  explicit Estimated(const std::string& sweep, double milliseconds = 0)
      : time(kSpeed, [this, milliseconds](const heed::TrialConfig& a, const heed::TrialConfig&, int,
                                          const heed::Limits&) {
          asked.push_back(a.attention.at(0).name);
          if (milliseconds == 0) throw heed::StepTimingFailed("it fails");
          return std::pair(milliseconds, milliseconds);
        }) {
    heed::Estimator estimate(known());
    for (const auto& trial : good(sweep).trials) {
      estimates.push_back(estimate(trial.config));
      steps.push_back(trial.config.train.steps);
      seconds.push_back(time(trial.config, estimates.back()));
    }
  }
  // FLOPs of a trial per second, without its start
  double speed(std::size_t i) const {
    return (estimates[i].training_flops + estimates[i].evaluation_flops) / (seconds[i] - TrialTime::kStart);
  }

  Texts asked;
  TrialTime time;
  std::vector<heed::Estimate> estimates;
  std::vector<heed::Index> steps;
  std::vector<double> seconds;
};

const std::string kTiny =
    "task: {name: mqar, length: 16, vocab: 32, pairs: 2}\n"
    "model: {dim: 8, heads: 2, layers: 1}\ntrain: {steps: 100, batch: 4}\n";

}  // namespace

TEST_CASE("trial time: steps at the timed speed, evaluations at the same FLOP/s, and a start") {
  const Estimated e("variants: [softmax]\n" + kTiny, 2.0);
  const double training = 1e-3 * 2.0 * static_cast<double>(e.steps[0]);
  const double evaluation = training * e.estimates[0].evaluation_flops / e.estimates[0].training_flops;
  CHECK(e.seconds[0] == Approx(training + evaluation + TrialTime::kStart));
  CHECK(e.time.timed() == 1);
}

TEST_CASE("trial time: a model is timed once for all seeds, rates and lengths of training") {
  const Estimated e("variants: [softmax, {window: {size: [2, 3]}}]\n" + kTiny +
                        "sweep: {seeds: 2, parameters: {train.lr: [0.1, 0.2], train.steps: [50, 60]}}\n",
                    1.0);
  CHECK(e.seconds.size() == 24);
  CHECK(e.asked == Texts{"softmax", "window", "window"});
}

TEST_CASE("trial time: a large model is not timed, and takes the speed of a small one with its attention") {
  const Estimated e("variants: [softmax]\n" + kTiny + "sweep: {parameters: {model.dim: [8, 4096]}}\n", 1.0);
  REQUIRE(e.seconds.size() == 2);
  CHECK(e.time.timed() == 1);
  CHECK(e.speed(1) == Approx(e.speed(0)));
}

TEST_CASE("trial time: without a timed model, a share of the speed of products is assumed") {
  const std::string large = "model.dim: [4096]";
  const Estimated not_timed("variants: [softmax]\n" + kTiny + "sweep: {parameters: {" + large + "}}\n", 1.0);
  CHECK(not_timed.asked.empty());
  CHECK(not_timed.speed(0) == Approx(TrialTime::kShareOfSpeed * kSpeed));
  const Estimated failed("variants: [softmax]\n" + kTiny);
  CHECK(failed.asked == Texts{"softmax"});
  CHECK(failed.time.timed() == 0);
  CHECK(failed.speed(0) == Approx(TrialTime::kShareOfSpeed * kSpeed));
}

TEST_CASE("trial time: timing stops after some models, whatever their number") {
  std::string sizes;
  for (int size = 1; size <= 15; ++size) sizes += (size > 1 ? ", " : "") + std::to_string(size);
  const std::string layers = "sweep: {parameters: {model.layers: [1, 2, 3, 4]}}\n";
  const Estimated e("variants: [{window: {size: [" + sizes + "]}}]\n" + kTiny + layers, 1.0);
  CHECK(e.seconds.size() == 60);
  CHECK(e.asked.size() > 5);
  CHECK(e.asked.size() < 40);
}
