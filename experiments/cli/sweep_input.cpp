#include "experiments/cli/sweep_input.h"

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "experiments/budget/fit_budgets.h"
#include "experiments/cli/time_steps.h"
#include "experiments/run/progress.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/system/message.h"
#include "experiments/warnings/warnings.h"
#include "results/errors.h"

namespace heed::cli {
namespace {

// Returns the plugins of all trials, each once.
std::vector<PluginOrigin> plugins_of(const Sweep& sweep) {
  std::vector<PluginOrigin> plugins;
  for (const PlannedTrial& trial : sweep.trials)
    for (const PluginOrigin& plugin : trial.config.plugins)
      if (std::ranges::find(plugins, plugin.path, &PluginOrigin::path) == plugins.end())
        plugins.push_back(plugin);
  return plugins;
}

}  // namespace

LoadedSweep load_sweep(const std::filesystem::path& path, const std::vector<std::string>& overrides,
                       const Input& input, Registry& registry) {
  if (std::filesystem::is_directory(path)) {
    const bool of_a_run = std::filesystem::exists(path / "sweep.yaml");
    throw results::IoError(path, of_a_run ? "is a folder; its sweep file is sweep.yaml in it."
                                          : "is a folder, not a sweep file.");
  }
  Problems problems;
  auto file = read_sweep_file(path, overrides, registry, problems);
  LoadedSweep loaded;
  if (file) {
    const Config* name = file->tree.find("name");
    loaded.directory = input.has("output")
                           ? std::filesystem::path(input.get<std::string>("output"))
                           : std::filesystem::path("runs") / (name ? name->text() : path.stem().string());
    registry.set_task_cache(RunDirectory(loaded.directory).subwords());
    loaded.sweep = read_sweep(file->tree, path.stem().string(), registry, problems);
    list_plugins(*file, path.string(), plugins_of(loaded.sweep));
    loaded.text = file->text;
  }
  problems.throw_if_any();
  if (loaded.sweep.match.on()) {
    StepTimes times(loaded.directory / "step_times.tsv",
                    std::bind_front(time_apart, RunDirectory(loaded.directory).subwords()), stderr);
    loaded.sweep = fit_budgets(std::move(loaded.sweep), registry, &times, problems);
    problems.throw_if_any();
  }
  for (const std::string& note : file->notes) say("{}", note);
  for (const std::string& note : loaded.sweep.notes) say("{}", note);
  if (file)
    for (const std::string& warning : warnings_of(file->tree, loaded.sweep, registry))
      say("Warning: {}", warning);
  return loaded;
}

PlanClaim claim_directory(const RunDirectory& directory, const LoadedSweep& loaded,
                          const std::string& command) {
  PlanClaim claim = directory.prepare(loaded.sweep, loaded.text, command);
  if (claim.replaced)
    say("{0} held the plan of another sweep, which this one replaces: results.h5 leaves out {1} in trials/ "
        "that this plan lacks. {2}",
        directory.root().string(), count_text(claim.left_out, "result"),
        claim.kept_sweep ? fmt::format("`heed run {} -o {}` returns to the other sweep.",
                                       directory.old_sweep().string(), directory.root().string())
                         : "Undo the change of the sweep file, or of the data that it names, to return to "
                           "the other sweep.");
  return claim;
}

void add_plan_option(po::options_description& options) {
  options.add_options()(
      "plan", po::value<std::string>()->value_name("DIGEST"),
      "refuse a plan with another digest, so that a Slurm job runs only the plan that it was submitted for");
}

void refuse_unless_planned(const Input& input, const std::filesystem::path& where,
                           const std::string& plan_text) {
  if (!input.has("plan") || input.get<std::string>("plan") == plan_digest(plan_text)) return;
  throw Error(fmt::format(
      "{}: --plan {} is not the digest of the plan, which is {}. Another sweep has replaced the plan, or a "
      "file that the sweep reads has changed.",
      where.string(), input.get<std::string>("plan"), plan_digest(plan_text)));
}

void refuse_completing_nothing(const Input& input, const Sweep& sweep, const RunDirectory& directory) {
  if (!input.has("complete") || sweep.stop) return;
  for (const PlannedTrial& t : sweep.trials) try {
      if (directory.outcome(t.id) == results::Status::stopped) return;
    } catch (const results::DamagedFile&) {  // its trial runs again
    }
  throw Error(
      "--complete has no effect: the sweep has no rule (sweep.stop) and no stopped trial. Remove it.");
}

int cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

}  // namespace heed::cli
