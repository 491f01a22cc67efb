#include "experiments/budget/trial_time.h"

namespace heed {
namespace {

constexpr double kLongestStep = 0.05, kMostBytes = 1e9;  // of a model that is timed
constexpr double kMostSeconds = 3;                       // of all timing together
constexpr int kRounds = 3;
constexpr double kStartOfTiming = 0.1, kStepsOfTiming = 12;  // what a timer takes, about
constexpr double kLimitSeconds = 10;                         // after which a timed model has failed

// The part of a trial that the time of its step depends on.
TrialConfig timed_part(const TrialConfig& trial) {
  TrialConfig out = trial;
  out.variant = "timed";
  out.seed = 0;
  out.train = {};
  out.train.batch = trial.train.batch, out.train.micro_batch = trial.train.micro_batch;
  out.train.dropout = trial.train.dropout, out.train.precision = trial.train.precision;
  out.method = {.optimizer = trial.method.optimizer, .schedule = TrainMethod().schedule};
  out.test_lengths = {};
  out.train_sequences = 0;
  out.save = {};
  return out;
}

std::string attention_of(const TrialConfig& trial) {
  std::string out = trial.train.precision + ' ';
  for (const Choice& c : trial.attention) out += c.name + ' ';
  return out;
}

}  // namespace

double TrialTime::operator()(const TrialConfig& trial, const Estimate& estimate) {
  return kStart + (estimate.training_flops + estimate.evaluation_flops) / speed_of(trial, estimate);
}

double TrialTime::speed_of(const TrialConfig& trial, const Estimate& estimate) {
  const TrialConfig part = timed_part(trial);
  const std::string model = to_config(part).canonical(), attention = attention_of(trial);
  if (const auto known = speeds_.find(model); known != speeds_.end()) return known->second;
  const auto like = latest_speeds_.find(attention);
  const double assumed = like == latest_speeds_.end() ? kShareOfSpeed * flops_per_second_ : like->second;
  const double flops = 3 * estimate.forward_flops * static_cast<double>(trial.train.batch);
  const double step = flops / assumed;
  const double all = kStartOfTiming + kStepsOfTiming * step;
  if (step > kLongestStep || estimate.memory_bytes > kMostBytes || seconds_ + all > kMostSeconds)
    return assumed;
  seconds_ += all;
  try {
    const double milliseconds =
        timer_(part, part, kRounds, {.seconds = kLimitSeconds, .memory_bytes = 0, .output_bytes = 0}).first;
    ++timed_;
    return latest_speeds_[attention] = speeds_[model] = flops / (1e-3 * milliseconds);
  } catch (const StepTimingFailed&) {  // `heed run` reports why
    return speeds_[model] = assumed;
  }
}

}  // namespace heed
