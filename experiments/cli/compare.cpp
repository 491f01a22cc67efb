#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/cli/report_merge.h"
#include "experiments/comparison.h"
#include "experiments/sections.h"
#include "experiments/table_text.h"
#include "experiments/yaml.h"
#include "results/table.h"

namespace heed::cli {
namespace {

namespace fs = std::filesystem;

// Are there trials that ended after results.h5 was made?
bool outdated(const RunDirectory& directory, const std::vector<PlanLine>& plan) {
  if (!fs::exists(directory.results())) return true;
  const auto made = fs::last_write_time(directory.results());
  for (const PlanLine& line : plan)
    if (fs::exists(directory.trial(line.id)) && fs::last_write_time(directory.trial(line.id)) >= made)
      return true;
  return fs::last_write_time(directory.plan()) >= made;
}

// The `compare` section of the sweep file beside the results, if there is one.
CompareOptions options_beside(const fs::path& sweep) {
  CompareOptions options;
  if (!fs::exists(sweep)) return options;
  Problems problems;
  const auto tree = read_yaml(sweep, problems);
  if (tree && tree->is_map()) read_section(options, tree->find("compare"), "compare", {"match"}, problems);
  problems.throw_if_any();
  return options;
}

int run(const Input& input, Registry&) {
  fs::path file = input.get<std::string>("results");
  bool merged = false;
  if (fs::is_directory(file)) {
    const RunDirectory directory(file);
    const std::vector<PlanLine> plan = directory.read_plan();
    merged = outdated(directory, plan);
    if (merged) merge_and_report(directory, plan, input.command);
    file = directory.results();
  }
  const fs::path folder = file.parent_path();
  CompareOptions options = options_beside(folder / "sweep.yaml");
  if (input.has("metric")) options.metric = input.get<std::string>("metric");
  if (input.has("select")) options.select = input.get<std::string>("select");
  const results::Results results = results::read_results(file);
  if (!merged) warn_of_builds(results.texts("build"));
  const Comparison comparison = compare(results, options);
  if (!input.has("csv")) return fmt::print("{}", table_text(comparison)), kDone;
  fmt::print("{}", csv_text(comparison));
  for (const std::string& note : comparison.notes) fmt::print(stderr, "{}\n", note);
  return kDone;
}

}  // namespace

Command compare_command() {
  Command c;
  c.name = "compare";
  c.synopsis = "DIR|results.h5 [--metric NAME] [--select PARAMETER] [--csv]";
  c.summary = "a table of variants: mean, deviation and number of trials";
  c.details =
      "A row for each variant and each value that the sweep varies, over its seeds. Trials that are not done "
      "are counted,\n"
      "never averaged in. With --select, or compare.select in the sweep file, the value of that parameter is "
      "chosen for\n"
      "each variant on validation, and the table shows the metric at that value alone.\n\n"
      "    heed compare runs/quickstart --metric solved_step";
  c.options.add_options()("metric", po::value<std::string>()->value_name("NAME"),
                          "what is compared; test_accuracy where nothing says otherwise")(
      "select", po::value<std::string>()->value_name("PARAMETER"),
      "the parameter whose best value is chosen on validation")("csv", "comma-separated, with all digits");
  c.arguments = {"results"};
  c.required = 1;
  c.run = run;
  return c;
}

}  // namespace heed::cli
