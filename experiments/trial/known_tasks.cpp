#include "experiments/trial/known_tasks.h"

#include <fmt/format.h>

#include "experiments/trial/task_of.h"

namespace heed {

const Task& KnownTasks::operator()(const TrialConfig& trial) {
  std::unique_ptr<Task>& task =
      tasks_[fmt::format("{} {} {}", trial.task.name, to_string(trial.type), trial.task.options.canonical())];
  if (!task) {
    TrialConfig any = trial;
    any.seed = 0;
    task = task_of(any, registry_);
  }
  return *task;
}

}  // namespace heed
