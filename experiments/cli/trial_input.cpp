#include "experiments/cli/trial_input.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/plugin_host.h"
#include "experiments/cli/command.h"
#include "experiments/run/verify.h"

namespace heed::cli {
namespace {

std::string incomplete(std::optional<results::Status> outcome) {
  return outcome ? fmt::format("it is incomplete ({}).", results::to_string(*outcome)) : "it has not ended.";
}

}  // namespace

std::vector<PlanLine> lines_of(const RunDirectory& directory, const std::vector<std::string>& ids) {
  const std::vector<PlanLine> plan = directory.read_plan();
  std::vector<PlanLine> out;
  for (const std::string& id : ids) {
    if (std::ranges::find(out, id, &PlanLine::id) != out.end())
      throw UsageError(fmt::format("--trial {} is given twice. Remove one.", id));
    const auto at = std::ranges::find(plan, id, &PlanLine::id);
    if (at == plan.end())
      throw UsageError(
          fmt::format("{} has no trial '{}'. Its plan.tsv lists them.", directory.root().string(), id));
    out.push_back(*at);
  }
  return out;
}

TrialConfig trial_with_weights(const RunDirectory& directory, const PlanLine& line, Registry& registry) {
  if (const auto outcome = directory.outcome(line.id); outcome != results::Status::done)
    throw Error(incomplete(outcome));
  Rerun rerun = rerun_of(directory, {line});
  if (!rerun.refused.empty()) throw Error(rerun.refused[0].reason);
  TrialConfig& trial = rerun.sweep.trials.at(0).config;
  if (!trial.save.weights)
    throw Error(
        "its weights were not saved. Add `save: [weights]` to the sweep file and run it again; its trials "
        "then get other ids and are trained again.");
  for (const PluginOrigin& plugin : trial.plugins) load_plugin(plugin, registry);
  return std::move(trial);
}

}  // namespace heed::cli
