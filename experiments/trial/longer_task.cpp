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

// Returns " of the encoder" or " of the decoder" for a model that has both.
std::string owner_of_table(const ParamInfo& table, const TaskShape& shape) {
  if (shape.model != ModelType::encoder_decoder) return "";
  return table.name.starts_with("encoder.") ? " of the encoder" : " of the decoder";
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
  const Config* own_length = trial.task.options.find("length");
  const std::string shorter =
      own_length ? fmt::format("test at most at length {}", own_length->text()) : "test at shorter lengths";
  if (p->name.ends_with("positions.table"))
    return fmt::format(
        "{} is beyond the table of {} positions{} ({} rows, one for each trained position). Use other "
        "model.positions (none, sinusoidal, rope, alibi), or {}.",
        length, trial.positions.name, owner_of_table(*p, own), p->rows, shorter);
  return fmt::format(
      "at length {}, some of the model's parameters would have another size than in training. Use another "
      "variant, or {}.",
      length, shorter);
}

}  // namespace heed
