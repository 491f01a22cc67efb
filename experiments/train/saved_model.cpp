#include "experiments/train/saved_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "experiments/trial/stages.h"

namespace heed {

std::unique_ptr<SizedModel> saved_model(const TrialConfig& trial, const Task& task,
                                        const std::vector<results::Array>& weights,
                                        const Registry& registry) {
  auto out = std::make_unique<SizedModel>(model_spec(trial, task), registry, trial.seed);
  for (const ParamInfo& p : out->params.infos()) {
    const auto at = std::ranges::find(weights, p.name, &results::Array::name);
    const auto* values = at == weights.end() ? nullptr : std::get_if<std::vector<float>>(&at->values);
    if (!values || std::ssize(*values) != p.rows * p.cols)
      throw Error(fmt::format("its saved weights have no '{}' of size {} x {}.", p.name, p.rows, p.cols));
    std::ranges::copy(*values, out->params.values().begin() + p.offset);
  }
  return out;
}

}  // namespace heed
