#include <cstdio>
#include <set>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/cli/report_merge.h"
#include "experiments/provenance.h"
#include "results/sameness.h"

namespace heed::cli {
namespace {

int run(const Input& input, Registry&) {
  const RunDirectory directory(input.get<std::string>("directory"));
  const bool good = merge_and_report(directory, directory.read_plan(), input.command);
  fmt::print("{}\n", directory.results().string());
  return good ? kDone : kSomeFailed;
}

}  // namespace

bool merge_and_report(const RunDirectory& directory, const std::vector<PlanLine>& plan,
                      const std::string& command) {
  const results::MergeReport report = directory.merge(plan, provenance(command));
  for (const std::string& message : report.damaged)
    fmt::print(stderr, "Left out, damaged: {} Remove the file and run the sweep again.\n", message);
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

void print_digest(const std::filesystem::path& results) {
  fmt::print("digest: {}\n", results::content_digest(results));
}

Command merge_command() {
  Command c;
  c.name = "merge";
  c.synopsis = "DIR";
  c.summary = "puts the trials' files into one results.h5; at any time, also while trials run";
  c.details =
      "The trials of the latest plan are merged, in its order; the same trials always give the same file.\n\n"
      "    heed merge runs/quickstart";
  c.arguments = {"directory"};
  c.required = 1;
  c.run = run;
  return c;
}

}  // namespace heed::cli
