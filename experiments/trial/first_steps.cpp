#include "experiments/trial/first_steps.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "core/task_traits.h"
#include "experiments/trial/method.h"

namespace heed {

Index common_steps(const TrialConfig& trial, Index steps, const Registry& registry) {
  TrialConfig other = trial;
  other.train.steps = steps;
  const auto rate = make_schedule(trial, registry), other_rate = make_schedule(other, registry);
  const Index most = std::min(trial.train.steps, steps);
  Index s = 0;
  while (s < most && (*rate)(s) == (*other_rate)(s)) ++s;
  return s;
}

Index kept_step(const TrialConfig& trial, const Registry& registry) {
  return common_steps(trial, 2 * trial.train.steps, registry);
}

std::string refuse_lengthening(const TrialConfig& trial, const Task& task, const Registry& registry) {
  const std::optional<Annealing> orders = annealing(task);
  if (orders && orders->share(0) != orders->share(std::nextafter(1.0, 0.0)))
    return fmt::format("the orders in which '{}' is read depend on train.steps", trial.task.name);
  const Index kept = kept_step(trial, registry);
  // A decay that begins right after warmup has the peak in common, at its first step.
  if (kept == trial.train.steps || kept > trial.train.warmup + 1) return "";
  return fmt::format(
      "the learning rates of the schedule '{}' depend on train.steps, of 'constant' and of 'wsd' before its "
      "decay they do not",
      trial.method.schedule);
}

std::string first_steps_id(const TrialConfig& trial) {
  TrialConfig first = trial;
  const TrainOptions defaults;
  first.train.steps = defaults.steps;
  first.train.evaluate_every = defaults.evaluate_every;
  first.train.test_sequences = defaults.test_sequences;
  first.test_lengths.clear();
  first.save = {};
  return trial_id(first);
}

}  // namespace heed
