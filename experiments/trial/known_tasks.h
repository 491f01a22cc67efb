#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/registry.h"
#include "core/task.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// The tasks of a plan, each made once: reading 60,000 images takes a second, and every variant and setting of
// a sweep has the same ones. Their seed is 0, for what a plan asks of a task does not depend on it.
class KnownTasks {
 public:
  explicit KnownTasks(const Registry& registry) : registry_(registry) {}

  // Returns the task of a trial; the reference stays valid. Throws: as task_of().
  const Task& operator()(const TrialConfig& trial);

 private:
  const Registry& registry_;
  std::map<std::string, std::unique_ptr<Task>> tasks_;
};

}  // namespace heed
