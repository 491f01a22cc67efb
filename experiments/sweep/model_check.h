#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/config.h"
#include "core/registry.h"
#include "core/task.h"
#include "experiments/sweep/setting.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Builds the model of each trial, without memory for its parameters. Equal models are built once.
class ModelCheck {
 public:
  ModelCheck(const Registry& registry, Problems& problems) : registry_(registry), problems_(problems) {}

  // Adds to the problems why the trial cannot be trained. `key`: of its task.
  void operator()(const TrialConfig& trial, const VariantEntry& variant, const TaskKey& key);

  // Returns the trial's task for its type of model; null if it cannot be made. The problem is then at its
  // key.
  std::shared_ptr<Task> task(const TrialConfig& trial, const TaskKey& key);
  // The same as the task itself is, whatever model it is for.
  std::shared_ptr<Task> own_task(const TrialConfig& trial, const TaskKey& key);

 private:
  void check_save(const TrialConfig& trial, const TaskKey& key);
  void check_traits(const Choice& choice, const std::string& task_name, const Task& task,
                    const VariantEntry& variant);

  const Registry& registry_;
  Problems& problems_;
  std::set<std::string> seen_;
  std::map<std::string, std::shared_ptr<Task>> tasks_;
};

}  // namespace heed
