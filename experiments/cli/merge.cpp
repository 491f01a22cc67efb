#include <cstdio>
#include <set>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/cli/report_merge.h"
#include "experiments/cli/results_input.h"
#include "experiments/cli/sweep_input.h"
#include "experiments/train/provenance.h"
#include "results/comparison.h"

namespace heed::cli {
namespace {

int run(const Input& input, Registry&) {
  const RunDirectory directory(input.get<std::string>("directory"));
  refuse_unless_planned(input, directory.plan(), directory.plan_text());
  const bool of_a_run = input.has("command");  // started by `heed run`: prints only errors
  const bool good = merge_and_report(directory, of_a_run ? input.get<std::string>("command") : input.command);
  if (!of_a_run) fmt::print("{}\n", directory.results().string());
  return good ? kDone : kSomeFailed;
}

}  // namespace

bool merge_and_report(const RunDirectory& directory, const std::string& command) {
  directory.remove_leftovers();
  results::MergeReport report;
  std::string merged;
  // Another plan may have come meanwhile, and been merged before this one.
  while (merged != directory.plan_text()) {
    merged = directory.plan_text();
    const std::vector<PlanLine> plan = directory.read_plan();
    const CompareOptions compare = compare_options(directory, plan);
    report = directory.merge(plan, provenance(command), compare_settings(compare));
  }
  for (const std::string& message : report.damaged)
    fmt::print(stderr, "Left out, damaged: {} {}\n", message, kDamageRemedy);
  for (const std::string& message : report.conflicts) fmt::print(stderr, "Conflict: {}\n", message);
  warn_of_builds(report.builds);
  return report.damaged.empty() && report.conflicts.empty();
}

void warn_of_builds(const std::vector<std::string>& builds) {
  const std::set<std::string> different(builds.begin(), builds.end());
  if (different.size() < 2) return;
  fmt::print(stderr,
             "The trials come from {} different builds of heed; they may differ in the last bits:\n  {}\n",
             different.size(), fmt::join(different, "\n  "));
}

std::string digest_line(const std::filesystem::path& results) {
  return "digest: " + results::content_digest(results);
}

Command merge_command() {
  Command c;
  c.name = "merge";
  c.synopsis = "DIR";
  c.summary = "merge the trial files into one results.h5, at any time, also while trials run";
  c.details =
      "Merges the trials of the latest plan, in its order. The same trials always give the same file.\n"
      "\n"
      "    heed merge runs/quickstart";
  add_plan_option(c.options);
  c.hidden_options.add_options()("command", po::value<std::string>(), "of the run, for the record");
  c.arguments = {"directory"};
  c.required = 1;
  c.run = run;
  return c;
}

}  // namespace heed::cli
