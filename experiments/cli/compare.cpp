#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/cli/command.h"
#include "experiments/cli/report_merge.h"
#include "experiments/comparison.h"
#include "experiments/sections.h"
#include "experiments/table_text.h"
#include "experiments/yaml.h"
#include "results/sameness.h"
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

// NaN and what never came are null, as JSON has neither.
nlohmann::ordered_json row_json(const Comparison& c, const ComparedRow& row) {
  nlohmann::ordered_json setting = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < c.varied.size(); ++i) setting[c.paths[i]] = row.setting[i];
  std::vector<long long> seeds;
  for (const std::string& seed : row.seeds) seeds.push_back(std::stoll(seed));
  const Against& a = row.against;
  nlohmann::ordered_json out = {{"variant", row.variant},
                                {"setting", setting},
                                {"seeds", seeds},
                                {"values", row.values},
                                {may_never_come(c.metric) ? "median" : "mean", row.center},
                                {"deviation", row.deviation},
                                {"interval", {row.interval.low, row.interval.high}},
                                {"not_done", row.not_done},
                                {"never", row.never()}};
  if (c.knows_solved) out["solved"] = row.solved, out["tried"] = row.tried;
  if (a.verdict.empty()) return out;
  out["against_reference"] = {{"difference", a.test.difference},
                              {"interval", {a.test.interval.low, a.test.interval.high}},
                              {"p", a.test.p},
                              {"p_holm", a.adjusted_p},
                              {"effect", a.test.effect},
                              {"pairs", a.test.pairs},
                              {"left_out", a.left_out},
                              {"verdict", a.verdict}};
  return out;
}

std::string json_text(const Comparison& c, const std::string& digest) {
  const Better better = better_when(c.metric);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const ComparedRow& row : c.rows) rows.push_back(row_json(c, row));
  const nlohmann::ordered_json out = {{"metric", c.metric},
                                      {"better", better == Better::larger    ? "larger"
                                                 : better == Better::smaller ? "smaller"
                                                                             : "neither"},
                                      {"reference", c.reference},
                                      {"selected", c.selected},
                                      {"interval_level", statistics::kLevel},
                                      {"significance", kSignificance},
                                      {"rows", rows},
                                      {"notes", c.notes},
                                      {"digest", digest}};
  return out.dump(2) + '\n';
}

void refuse_unknown_variant(const std::string& reference, const std::vector<std::string>& variants) {
  if (std::find(variants.begin(), variants.end(), reference) != variants.end()) return;
  throw Error(fmt::format("--reference: the results have no variant '{}'.{}", reference,
                          suggestion(reference, variants)));
}

int run(const Input& input, Registry&) {
  if (input.has("csv") && input.has("json")) throw UsageError("--csv and --json exclude each other.");
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
  if (input.has("reference")) options.reference = input.get<std::string>("reference");
  const results::Results results = results::read_results(file);
  if (input.has("reference")) refuse_unknown_variant(options.reference, results.texts("variant"));
  if (!merged) warn_of_builds(results.texts("build"));
  Comparison comparison = compare(results, options);
  if (input.has("by")) split_by(comparison, input.get<std::string>("by"));
  if (input.has("json")) return fmt::print("{}", json_text(comparison, results::content_digest(file))), kDone;
  if (!input.has("csv")) return fmt::print("{}\n", table_text(comparison)), print_digest(file), kDone;
  fmt::print("{}", csv_text(comparison));
  for (const std::string& note : comparison.notes) fmt::print(stderr, "{}\n", note);
  return kDone;
}

}  // namespace

Command compare_command() {
  Command c;
  c.name = "compare";
  c.synopsis =
      "DIR|results.h5 [--metric NAME] [--reference VARIANT] [--select PARAMETER] [--by PARAMETER] "
      "[--csv|--json]";
  c.summary = "what each variant reaches, and whether it differs from the reference";
  c.details =
      "A row for each variant and each value that the sweep varies, over its seeds: mean with 95 % interval, "
      "and beside the\n"
      "reference, paired by seed, the difference with interval, an exact sign-flip test, Holm's adjustment, "
      "an "
      "effect size\n"
      "and a verdict. Trials that are not done are counted and named, never averaged in. docs/comparing.md "
      "explains each\n"
      "column. What is not given here is taken from `compare` in the sweep file.\n\n"
      "    heed compare runs/quickstart --metric solved_step --reference softmax";
  c.options.add_options()("metric", po::value<std::string>()->value_name("NAME"),
                          "what is compared; test_accuracy where nothing says otherwise")(
      "reference", po::value<std::string>()->value_name("VARIANT"),
      "what the others are compared with; the first variant where nothing says otherwise")(
      "select", po::value<std::string>()->value_name("PARAMETER"),
      "the parameter whose best value is chosen on validation; the table shows the metric at it")(
      "by", po::value<std::string>()->value_name("PARAMETER"), "one table for each of its values")(
      "csv", "comma-separated, with all digits")("json", "with all digits, values of single trials too");
  c.arguments = {"results"};
  c.required = 1;
  c.run = run;
  return c;
}

}  // namespace heed::cli
