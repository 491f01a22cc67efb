#include "experiments/trial/longer_task.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/model/model.h"
#include "experiments/trial/stages.h"

namespace heed {
namespace {

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

bool differs_in_length_only(TaskShape a, const TaskShape& b) {
  a.input.length = b.input.length;
  a.source.length = b.source.length;
  return a == b;
}

std::string refuse_longer(const TrialConfig& trial, const Task& task, const TrialConfig& tested,
                          const Task& other, Index length, const Registry& registry) {
  const TaskShape own = task.shape(), longer = other.shape();
  if (longer.input.length <= own.input.length && longer.source.length <= own.source.length) return "";
  const std::vector<ParamInfo> trained = parameters_for(trial, task, registry);
  const ParamInfo* p = sized_by_length(trained, parameters_for(tested, other, registry));
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
