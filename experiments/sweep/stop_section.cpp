#include "experiments/sweep/stop_section.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "experiments/sweep/sections.h"
#include "experiments/sweep/sweep.h"

namespace heed {
namespace {

// Removes the value at a dotted path, if there is one.
void erase_path(Config& config, const std::string& path) {
  const std::size_t dot = path.find('.');
  if (dot == std::string::npos) return config.erase(path);
  if (Config* section = config.find(path.substr(0, dot))) erase_path(*section, path.substr(dot + 1));
}

bool decides_length(const std::string& path) {
  return path == "train.steps" || path == "train.evaluate_every" || path == "train.evaluate_sequences";
}

// A rule compares trials at equal steps, and only under options that it uses.
void check_keys(const Config& section, const Stop& stop, Problems& problems) {
  if (!section.find("after"))
    problems.add(section.place(),
                 "sweep.stop.after: it is missing: the training steps before the first rung.");
  if (const Config* factor = section.find("factor"); factor && stop.rule.rule != "halving")
    problems.add(
        factor->place(),
        fmt::format("sweep.stop.factor: it has no effect on the rule '{}'. Remove it.", stop.rule.rule));
  for (const char* key : {"metric", "wait"})
    if (const Config* given = section.find(key); given && stop.rule.rule == "plateau")
      problems.add(given->place(),
                   fmt::format("sweep.stop.{}: it has no effect on the rule 'plateau'. Remove it.", key));
  for (const std::string& path : stop.chosen)
    if (decides_length(path))
      problems.add(
          section.place(),
          fmt::format("sweep.stop: trials with another {} cannot be compared at equal steps.", path));
}

}  // namespace

std::optional<Stop> read_stop(const Config& tree, const Axes& axes, const CompareOptions& compare,
                              Problems& problems) {
  const Config* section = tree.find_path("sweep.stop");
  if (!section || section->is_null()) return std::nullopt;
  Stop stop;
  const std::size_t before = problems.size();
  read_section(stop.rule, section, "sweep.stop", {}, problems);
  if (problems.size() > before) return std::nullopt;
  if (compare.select.empty()) {
    const Config* select = tree.find_path("compare.select");
    if (select && select->text() == kNothing)
      problems.add(section->place(),
                   "sweep.stop: 'compare.select: none' leaves it no parameter whose worse values it could "
                   "stop. Remove one of them.");
    else if (!select || select->is_null())
      problems.add(
          section->place(),
          "sweep.stop: it stops the worse values of one parameter. Name it, as in 'compare: {select: "
          "train.lr}'.");
    return std::nullopt;
  }
  const auto has = [](const std::vector<std::string>& paths, const std::string& path) {
    return std::ranges::find(paths, path) != paths.end();
  };
  stop.chosen = {compare.select};
  if (axes.drawn || has(axes.together, compare.select))
    for (const std::string& path : axes.drawn ? axes.swept : axes.together)
      if (path != compare.select && !path.starts_with("task.")) stop.chosen.push_back(path);
  check_keys(*section, stop, problems);
  return stop;
}

std::string contest_text(const TrialConfig& trial, const Stop& stop) {
  Config config = to_config(trial);
  for (const std::string& path : stop.chosen) erase_path(config, path);
  return config.canonical();
}

void check_contests(const Config& tree, const Sweep& sweep, Problems& problems) {
  if (!sweep.stop) return;
  std::set<std::string> contests;
  for (const PlannedTrial& t : sweep.trials)
    if (!contests.insert(contest_text(t.config, *sweep.stop)).second) return;
  problems.add(tree.find_path("sweep.stop")->place(),
               fmt::format("sweep.stop: it has no effect: no two trials differ only in {}.",
                           fmt::join(sweep.stop->chosen, ", ")));
}

}  // namespace heed
