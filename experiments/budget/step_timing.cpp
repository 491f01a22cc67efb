#include "experiments/budget/step_timing.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

#include "experiments/system/clock.h"
#include "experiments/train/train.h"
#include "experiments/trial/known_tasks.h"
#include "experiments/trial/stages.h"
#include "results/statistics.h"

namespace heed {
namespace {

constexpr double kRoundMilliseconds = 10;

// A trial's model in training.
class Runner {
 public:
  Runner(const TrialConfig& trial, const Task& task, const Registry& registry)
      : sized_(model_spec(trial, task), registry, trial.seed),
        training_(sized_.model, sized_.params, task, trial, registry, 1) {
    round(2);  // takes the memory
    steps_ = static_cast<Index>(std::clamp(std::ceil(kRoundMilliseconds / round(1)), 1.0, 100.0));
  }

  double round() { return round(steps_); }  // milliseconds of one step

 private:
  double round(Index steps) {
    const double begin = processor_seconds();
    for (Index i = 0; i < steps; ++i) training_.train_step(step_++);
    return 1e3 * (processor_seconds() - begin) / static_cast<double>(steps);
  }

  SizedModel sized_;
  Training training_;
  Index step_ = 0, steps_ = 1;
};

}  // namespace

std::pair<double, double> time_in_turn(const TrialConfig& a, const TrialConfig& b, const Registry& registry,
                                       int rounds) {
  KnownTasks tasks(registry);
  Runner of_a(a, tasks(a), registry), of_b(b, tasks(b), registry);
  std::vector<double> times_a, ratios;
  for (int i = 0; i < rounds; ++i) {
    times_a.push_back(of_a.round());
    ratios.push_back(of_b.round() / times_a.back());
  }
  const double first = statistics::median(times_a);
  return {first, first * statistics::median(ratios)};
}

}  // namespace heed
