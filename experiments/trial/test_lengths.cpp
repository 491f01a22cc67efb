#include "experiments/trial/test_lengths.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "experiments/trial/longer_task.h"
#include "experiments/trial/task_of.h"

namespace heed {

std::vector<Index> take_test_lengths(Config& task, const std::string& path, Problems& problems) {
  std::vector<Index> lengths;
  const Config* given = task.find(kTestLengths);
  if (!given) return lengths;
  const std::string key = fmt::format("{}.{}", path, kTestLengths);
  detail::from_config(*given, key, {.min = 1}, lengths, problems);
  std::ranges::sort(lengths);
  if (const auto twice = std::ranges::adjacent_find(lengths); twice != lengths.end())
    problems.add(given->place(), fmt::format("{}: {} is listed twice.", key, *twice));
  task.erase(kTestLengths);
  return lengths;
}

Choice at_length(const Choice& task, Index length) {
  Choice out = task;
  out.options.set("length", Config::integer(length));
  return out;
}

std::string refuse_test_length(const TrialConfig& trial, const Task& task, Index length,
                               const Registry& registry) {
  TrialConfig tested = trial;
  tested.task = at_length(trial.task, length);
  const std::unique_ptr<Task> other = task_of(tested, registry);
  if (task.size(Split::test) || other->size(Split::test))
    return fmt::format("the task '{}' has a test split of a fixed size, so it has no test of another length.",
                       trial.task.name);
  if (!differs_in_length_only(task.shape(), other->shape()))
    return fmt::format("with length {} the task '{}' has other tokens or labels than in training.", length,
                       trial.task.name);
  return refuse_longer(trial, task, tested, *other, length, registry);
}

}  // namespace heed
