#include "experiments/trial/method.h"

#include <fmt/format.h>

namespace heed {

std::unique_ptr<Schedule> make_schedule(const TrialConfig& trial, const Registry& registry) {
  const ScheduleInfo& info = registry.schedule(trial.method.schedule);
  const TrainOptions& o = trial.train;
  return info.make(info.own_options(trial.method.options), {o.lr, o.warmup, o.steps});
}

std::string refuse_schedule(const TrialConfig& trial, const Registry& registry) {
  try {
    make_schedule(trial, registry);
    return "";
  } catch (const Error& e) {
    return fmt::format("train.schedule.{}: {}", trial.method.schedule, e.what());
  }
}

std::unique_ptr<Optimizer<float>> make_optimizer(const TrialConfig& trial, const Registry& registry,
                                                 Params<float>& params) {
  const OptimizerInfo& info = registry.optimizer(trial.method.optimizer);
  return info.make(info.own_options(trial.method.options), params);
}

Index state_vectors(const TrialConfig& trial, const Registry& registry) {
  Params<float> one;
  one.declare("any", 1, 1, Init::zeros(), Role::decayed);
  one.freeze();
  return static_cast<Index>(make_optimizer(trial, registry, one)->state().size());
}

}  // namespace heed
