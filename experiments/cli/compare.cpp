#include <algorithm>
#include <cstdio>
#include <functional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/cli/command.h"
#include "experiments/cli/report_merge.h"
#include "experiments/cli/results_input.h"
#include "experiments/report/compare/by_length.h"
#include "experiments/report/compare/comparison.h"
#include "experiments/report/compare/joined_results.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/trial/metrics.h"
#include "results/comparison.h"

namespace heed::cli {
namespace {

// JSON has no NaN and no infinity (an event that did not occur): both become null.
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
                                {"stddev", row.stddev},
                                {"interval", {row.interval.low, row.interval.high}},
                                {"incomplete", row.incomplete},
                                {"never", row.never()}};
  if (c.has_solved) out["solved"] = row.solved, out["tried"] = row.tried;
  if (!c.selected.empty())
    out["edge"] = row.edge == Edge::none ? "" : row.edge == Edge::smallest ? "smallest" : "largest";
  if (!c.budget.empty()) out["spent"] = row.spent, out["mismatch"] = row.mismatch;
  if (a.verdict.empty()) return out;
  out["against_reference"] = {{"difference", a.test.difference},
                              {"interval", {a.test.interval.low, a.test.interval.high}},
                              {"p", a.test.p},
                              {"p_holm", a.adjusted_p},
                              {"effect", a.test.effect},
                              {"pairs", a.test.pairs},
                              {"left_out", a.left_out},
                              {"unlike", a.unlike},
                              {"verdict", a.verdict}};
  return out;
}

std::string json_text(const Comparison& c, const std::string& digest) {
  const Better better = better_when(c.metric);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const ComparedRow& row : c.rows) rows.push_back(row_json(c, row));
  nlohmann::ordered_json summary = nlohmann::ordered_json::array();
  for (const Comparison& s : c.summary)
    for (const ComparedRow& row : s.rows) summary.push_back(row_json(s, row));
  const nlohmann::ordered_json out = {{"metric", c.metric},
                                      {"better", better == Better::larger    ? "larger"
                                                 : better == Better::smaller ? "smaller"
                                                                             : "neither"},
                                      {"reference", c.reference},
                                      {"selected", c.selected},
                                      {"budget", c.budget},
                                      {"interval_level", statistics::kLevel},
                                      {"significance", kSignificance},
                                      {"rows", rows},
                                      {"mean_over_tasks", summary},
                                      {"notes", c.notes},
                                      {"digest", digest}};
  return out.dump(2) + '\n';
}

// Makes a row of each trial and test length, also of trials that are still planned.
void show_by_length(ResultsInput& loaded) {
  const std::size_t trials = loaded.results.trial.size(), planned = loaded.options.planned;
  const auto accuracy = results::read_curves(loaded.file, accuracy_by_length().name);
  loaded.results = by_test_length(loaded.results, accuracy);
  loaded.options.metric = accuracy_by_length().name;
  if (planned > trials)
    loaded.options.planned = loaded.results.trial.size() + (planned - trials) * accuracy->at.size();
}

// Returns true if sweeps of different tasks are compared: each gets a table, as in a sweep with `tasks`.
bool has_several_tasks(const results::Results& results) {
  const std::vector<std::string> names = results.texts("task.name");
  return std::ranges::adjacent_find(names, std::ranges::not_equal_to()) != names.end();
}

// The results to compare: of one run directory or results file, or of several, joined as one sweep. Options
// that the command line does not set come from the first one's sweep file.
struct Loaded {
  ResultsInput input;
  std::vector<std::string> notes, digests;
};
Loaded load_all(const Input& input, bool by_length) {
  Loaded out;
  std::vector<results::Results> sweeps;
  std::size_t planned = 0;
  for (const std::string& from : input.all("results")) {
    ResultsInput one = load_results(input, from);
    out.digests.push_back(results::content_digest(one.file));
    if (by_length) show_by_length(one);
    // A results file does not contain the number of planned trials.
    planned += one.options.planned > 0 ? one.options.planned : one.results.trial.size();
    const std::vector<std::string> own = one.options.own;
    const bool whole = one.whole && (sweeps.empty() || out.input.whole);
    if (sweeps.empty()) out.input = one;
    out.input.whole = whole;
    if (!one.options.by.empty()) out.input.options.by = one.options.by;
    for (const std::string& path : own)
      if (std::ranges::find(out.input.options.own, path) == out.input.options.own.end())
        out.input.options.own.push_back(path);
    sweeps.push_back(std::move(one.results));
  }
  if (sweeps.size() > 1) {
    std::size_t trials = 0;
    for (const results::Results& sweep : sweeps) trials += sweep.trial.size();
    JoinedResults all = joined(sweeps);
    out.input.options.planned = planned - (trials - all.results.trial.size());
    out.input.options.reference = all.renamed(out.input.options.reference);
    out.input.results = std::move(all.results);
    if (has_several_tasks(out.input.results)) out.input.options.by = kTasks;
    out.input.builds_noted = false;
    out.notes = std::move(all.notes);
  }
  check_results(input, out.input);
  return out;
}

bool has_reference(const Comparison& comparison) {
  return comparison.rows.empty() || std::ranges::any_of(comparison.rows, &ComparedRow::is_reference);
}

std::string digests_text(const std::vector<std::string>& digests) {
  return fmt::format("digest: {}", fmt::join(digests, " "));
}

int run(const Input& input, Registry&) {
  if (input.has("csv") && input.has("json")) throw UsageError("--csv and --json exclude each other.");
  const std::string by = input.has("by") ? input.get<std::string>("by") : "";
  const bool by_length = by == kTestLengthAxis;
  if (by_length && input.has("metric"))
    throw UsageError("--by test_length compares test_accuracy_by_length, so it takes no --metric.");
  const Loaded loaded = load_all(input, by_length);
  Comparison comparison = compare(loaded.input.results, loaded.input.options);
  comparison.notes.insert(comparison.notes.begin(), loaded.notes.begin(), loaded.notes.end());
  const bool one_length = by_length && std::ranges::find(comparison.varied, by) == comparison.varied.end();
  if (!by.empty() && !one_length) split_by(comparison, by);
  const int code = has_reference(comparison) && loaded.input.whole ? kDone : kSomeFailed;
  if (input.has("json"))
    return fmt::print("{}", json_text(comparison, fmt::format("{}", fmt::join(loaded.digests, " ")))), code;
  if (!input.has("csv"))
    return fmt::print("{}\n{}\n", table_text(comparison), digests_text(loaded.digests)), code;
  fmt::print("{}", csv_text(comparison));
  for (const std::string& note : comparison.notes) fmt::print(stderr, "{}\n", note);
  return code;
}

}  // namespace

Command compare_command() {
  Command c;
  c.name = "compare";
  c.synopsis =
      "DIR|results.h5 ... [--metric NAME] [--reference VARIANT] [--select PARAMETER] [--by PARAMETER] "
      "[--csv|--json]";
  c.summary = "compare the variants with the reference";
  c.details =
      "One row for each variant and each value that the sweep varies, over its seeds: the mean with its 95 % "
      "interval.\n"
      "For each row and the reference, paired by seed: the difference with its interval, an exact sign-flip "
      "test, Holm's\n"
      "adjustment, an effect size and a verdict. Incomplete trials are counted and named, and are in no "
      "mean.\n"
      "docs/comparing.md explains each column. Several sweeps are compared as one. Defaults come from "
      "`compare` in the\n"
      "sweep file of the first. --by test_length compares the accuracy at each of task.test_lengths. The "
      "exit code "
      "is 1 if\n"
      "the reference has no trial, or if trial files are damaged.\n"
      "\n"
      "    heed compare runs/quickstart --metric solved_step --reference softmax";
  add_compare_options(c.options);
  c.options.add_options()("by", po::value<std::string>()->value_name("PARAMETER"),
                          "print one table for each of its values")(
      "csv", "print comma-separated values with all digits")(
      "json", "print JSON with all digits and the value of every trial");
  c.arguments = {"results..."};
  c.required = 1;
  c.run = run;
  return c;
}

}  // namespace heed::cli
