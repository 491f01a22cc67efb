#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "experiments/budget/step_timing.h"
#include "experiments/trial/estimate.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Estimates the processor seconds of trials on one core. Products of matrices are a part of a step that
// differs between variants by a factor of two, so steps of small models are timed. A model is timed once,
// whatever its seed and learning rate.
class TrialTime {
 public:
  // flops_per_second: of one core in products of matrices
  TrialTime(double flops_per_second, StepTimer timer)
      : flops_per_second_(flops_per_second), timer_(std::move(timer)) {}

  // A model whose step would take long is not timed: it is assumed to be as fast, in FLOP/s, as the latest
  // timed model with the same attention, or to reach kShareOfSpeed. So is a model that fails.
  double operator()(const TrialConfig& trial, const Estimate& estimate);

  std::size_t timed() const { return timed_; }  // models

  static constexpr double kShareOfSpeed = 0.4;  // what training of small models reaches, about
  static constexpr double kStart = 0.05;        // seconds of a trial outside of steps and evaluations

 private:
  // Returns FLOP/s in training steps.
  double speed_of(const TrialConfig& trial, const Estimate& estimate);

  double flops_per_second_;
  StepTimer timer_;
  std::size_t timed_ = 0;
  double seconds_ = 0;                           // that timing has taken so far, about
  std::map<std::string, double> speeds_;         // of models that were timed or failed
  std::map<std::string, double> latest_speeds_;  // by name of the attention
};

}  // namespace heed
