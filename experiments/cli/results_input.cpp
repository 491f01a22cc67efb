#include "experiments/cli/results_input.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/report_merge.h"
#include "experiments/run/plan_claim.h"
#include "experiments/sweep/compare_section.h"
#include "experiments/sweep/own_settings.h"
#include "experiments/system/message.h"
#include "experiments/trial/yaml.h"
#include "results/merge.h"

namespace heed::cli {
namespace {

namespace fs = std::filesystem;

// Are there trials that ended after results.h5 was made, or did its merge leave out damaged files?
bool outdated(const RunDirectory& directory, const std::vector<PlanLine>& plan) {
  if (!fs::exists(directory.results()) || results::has_complaints(directory.results())) return true;
  const auto made = fs::last_write_time(directory.results());
  for (const PlanLine& line : plan)
    if (fs::exists(directory.trial(line.id)) && fs::last_write_time(directory.trial(line.id)) >= made)
      return true;
  return fs::last_write_time(directory.plan()) >= made;
}

// Are there trials of another plan in them? Then a process of that plan has merged late.
bool has_others(const results::Results& results, const std::vector<PlanLine>& plan) {
  std::set<std::string> ids;
  for (const PlanLine& line : plan) ids.insert(line.id);
  const std::vector<std::string> there = results.texts("id");
  return std::any_of(there.begin(), there.end(), [&](const std::string& id) { return !ids.contains(id); });
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) parts.push_back(part);
  return parts;
}

// Reads --reference: a variant, or {variant: softmax, model.positions: rope}.
void set_reference(const std::string& text, CompareOptions& options) {
  options.reference = text;
  options.reference_values.clear();
  if (!text.starts_with('{')) return;
  Problems problems;
  const auto given = parse_yaml_value(text, "--reference", problems);
  if (given) read_reference(*given, "--reference", options, problems);
  problems.throw_if_any();
}

void refuse_unknown_variant(const std::string& reference, const std::vector<std::string>& variants) {
  if (std::find(variants.begin(), variants.end(), reference) != variants.end()) return;
  throw Error(fmt::format("--reference: the results have no variant '{}'.{}", reference,
                          suggestion(reference, variants)));
}

}  // namespace

CompareOptions compare_options(const RunDirectory& directory, const std::vector<PlanLine>& plan) {
  CompareOptions options;
  if (fs::exists(directory.sweep())) {
    Problems problems;
    const auto tree = read_yaml(directory.sweep(), problems);
    if (tree && tree->is_map()) {
      options = read_compare_options(tree->find("compare"), problems);
      options.own = own_paths(*tree);
      if (tree->find("tasks")) options.by = kTasks;
    }
    problems.throw_if_any();
  }
  options.planned = plan.size();
  if (!plan.empty() && options.reference.empty()) options.reference = plan.front().variant;
  return options;
}

results::CompareSettings compare_settings(const CompareOptions& options) {
  std::vector<std::string> values;
  for (const auto& [path, value] : options.reference_values)
    values.push_back(fmt::format("{}={}", path, value));
  return {.metric = options.metric,
          .reference = options.reference,
          .select = options.select,
          .reference_setting = fmt::format("{}", fmt::join(values, "\n")),
          .by = options.by,
          .own = fmt::format("{}", fmt::join(options.own, " "))};
}

CompareOptions compare_options(const results::CompareSettings& settings) {
  CompareOptions options;
  if (!settings.metric.empty()) options.metric = settings.metric;
  options.reference = settings.reference;
  options.select = settings.select;
  for (const std::string& line : split(settings.reference_setting, '\n')) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos)
      options.reference_values.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  }
  options.by = settings.by;
  options.own = split(settings.own, ' ');
  return options;
}

void add_compare_options(po::options_description& options) {
  options.add_options()("metric", po::value<std::string>()->value_name("NAME"),
                        "the metric to compare; default: test_accuracy")(
      "reference", po::value<std::string>()->value_name("VARIANT"),
      "the variant that the others are compared with, or one setting of it, as '{variant: softmax, "
      "model.positions: rope}'; default: the first variant")(
      "select", po::value<std::string>()->value_name("PARAMETER"),
      "the swept parameter whose best value is chosen on validation; the table shows the metric at that "
      "value. none: no parameter, even if the sweep file selects one");
}

ResultsInput load_results(const Input& input, const fs::path& from) {
  ResultsInput loaded{.file = from, .options = {}, .results = {}};
  CompareOptions& options = loaded.options;
  if (fs::is_directory(from)) {
    const RunDirectory directory(from);
    const std::vector<PlanLine> plan = directory.read_plan();
    const auto merge = [&] {
      loaded.whole = merge_and_report(directory, input.command);
      loaded.builds_noted = true;
    };
    if (outdated(directory, plan)) merge();
    if (sweep_changed(directory))
      say("{} was changed after the run. Its `compare` section is used, with the trials of the run.",
          directory.sweep().string());
    loaded.file = directory.results();
    options = compare_options(directory, plan);
    loaded.results = results::read_results(loaded.file);
    if (has_others(loaded.results, plan)) {
      merge();
      loaded.results = results::read_results(loaded.file);
    }
  } else {
    loaded.results = results::read_results(loaded.file);
    options = compare_options(loaded.results.compare);
  }
  if (input.has("metric")) options.metric = input.get<std::string>("metric");
  if (input.has("select")) options.select = input.get<std::string>("select");
  if (options.select == kNothing) options.select.clear();
  if (input.has("reference")) set_reference(input.get<std::string>("reference"), options);
  return loaded;
}

void check_results(const Input& input, const ResultsInput& loaded) {
  if (input.has("reference"))
    refuse_unknown_variant(loaded.options.reference, loaded.results.texts("variant"));
  if (!loaded.builds_noted) warn_of_builds(loaded.results.texts("build"));
}

}  // namespace heed::cli
