#include "experiments/trial/test_lengths.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "core/model/model.h"
#include "experiments/trial/stages.h"
#include "experiments/trial/task_of.h"

namespace heed {
namespace {

bool differs_in_length_only(TaskShape a, const TaskShape& b) {
  a.input.length = b.input.length;
  a.source.length = b.source.length;
  return a == b;
}

// The parameters of the trial's model for another task. No memory is taken for them.
std::vector<ParamInfo> parameters_for(const TrialConfig& trial, const Task& task, const Registry& registry) {
  Params<float> params;
  const Model<float> model(model_spec(trial, task), registry, params);
  return params.infos();
}

// Returns the first trained parameter that has another size for longer sequences; null if none has.
const ParamInfo* sized_by_length(const std::vector<ParamInfo>& trained,
                                 const std::vector<ParamInfo>& longer) {
  const auto is_same = [](const ParamInfo& a, const ParamInfo& b) {
    return a.name == b.name && a.rows == b.rows && a.cols == b.cols;
  };
  for (const ParamInfo& p : trained)
    if (p.role != Role::fixed &&
        std::ranges::none_of(longer, [&](const ParamInfo& other) { return is_same(p, other); }))
      return &p;
  return nullptr;
}

}  // namespace

std::vector<Index> take_test_lengths(Config& task, Problems& problems) {
  std::vector<Index> lengths;
  const Config* given = task.find(kTestLengths);
  if (!given) return lengths;
  const std::string path = fmt::format("task.{}", kTestLengths);
  detail::from_config(*given, path, {.min = 1}, lengths, problems);
  std::ranges::sort(lengths);
  if (const auto twice = std::ranges::adjacent_find(lengths); twice != lengths.end())
    problems.add(given->place(), fmt::format("{}: {} is listed twice.", path, *twice));
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
  const TaskShape own = task.shape(), longer = other->shape();
  if (longer.input.length <= own.input.length && longer.source.length <= own.source.length) return "";
  const std::vector<ParamInfo> trained = parameters_for(trial, task, registry);
  const ParamInfo* p = sized_by_length(trained, parameters_for(trial, *other, registry));
  if (!p) return "";
  if (p->name == "positions.table" && own.source.kind == Stream::Kind::none)
    return fmt::format(
        "{} is beyond the table of {} positions ({} rows, one for each trained position). Use other "
        "model.positions (none, sinusoidal, rope, alibi), or test at most at length {}.",
        length, trial.positions.name, p->rows, own.input.length);
  if (p->name.ends_with("positions.table"))
    return fmt::format(
        "{} is beyond a table of {} positions ('{}' has {} rows, one for each trained position). Use other "
        "model.positions (none, sinusoidal, rope, alibi), or test at shorter lengths.",
        length, trial.positions.name, p->name, p->rows);
  return fmt::format("at length {} the parameter '{}' would have another size than in training.", length,
                     p->name);
}

}  // namespace heed
