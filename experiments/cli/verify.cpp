#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/cli/trial_input.h"
#include "experiments/run/plan_claim.h"
#include "experiments/run/progress.h"
#include "experiments/run/run_directory.h"
#include "experiments/run/supervisor.h"
#include "experiments/run/verify.h"
#include "experiments/system/process.h"
#include "experiments/system/scratch_folder.h"
#include "experiments/train/provenance.h"
#include "results/errors.h"

namespace heed::cli {
namespace {

namespace fs = std::filesystem;

// Returns true if a trial can be verified. A diverged trial can: it must diverge again at the same step.
// One whose file is damaged is chosen, too, to be reported as one that could not be run again.
bool finished(const RunDirectory& directory, const std::string& id) {
  try {
    const auto outcome = directory.outcome(id);
    return outcome == results::Status::done || outcome == results::Status::diverged;
  } catch (const results::DamagedFile&) {
    return true;
  }
}

// Returns the trials to verify: those of --trial, else all finished ones; of these the sample, if there is
// one.
std::vector<PlanLine> chosen_trials(const RunDirectory& directory, const Input& input) {
  std::vector<PlanLine> lines;
  if (input.has("trial")) {
    lines = lines_of(directory, input.all("trial"));
    for (const PlanLine& line : lines)
      if (!finished(directory, line.id))
        throw UsageError(
            fmt::format("trial {} is not finished; only finished trials can be verified.", line.id));
  } else {
    const std::vector<PlanLine> plan = directory.read_plan();
    std::copy_if(plan.begin(), plan.end(), std::back_inserter(lines),
                 [&](const PlanLine& line) { return finished(directory, line.id); });
    if (lines.empty())
      throw Error(fmt::format("{}: no trial is finished yet; there is nothing to verify.",
                              directory.root().string()));
  }
  if (!input.has("sample")) return lines;
  std::vector<PlanLine> sample;
  for (std::size_t i :
       evenly_spaced(lines.size(), static_cast<std::size_t>(integer_option(input, "sample", 1))))
    sample.push_back(lines[i]);
  return sample;
}

// The outcome of the trials that were run again.
struct Verified {
  std::size_t equal = 0, different = 0, numbers = 0;
  std::set<std::string> builds;                             // others than this one
  std::map<std::string, std::vector<std::string>> refused;  // trials by the reason

  std::size_t again() const { return equal + different; }
  std::size_t not_again() const {
    std::size_t count = 0;
    for (const auto& [reason, trials] : refused) count += trials.size();
    return count;
  }
};

// Compares a trial with its second run, counts the outcome and prints differences.
void compare(const RunDirectory& directory, const RunDirectory& again, const PlanLine& line, Verified& v) {
  if (!fs::exists(again.trial(line.id))) return;  // the run was stopped before this trial ended
  if (const std::string reason = why_not_again(again, line.id); !reason.empty())
    return v.refused[reason].push_back(fmt::format("{}  {}", line.id, line.to_string()));
  const TrialDifference found = compare_trials(directory.trial(line.id), again.trial(line.id));
  v.numbers += found.numbers;
  if (found.recorded_build != found.again_build) v.builds.insert(found.recorded_build);
  ++(found.differences.empty() ? v.equal : v.different);
  if (found.differences.empty()) return;
  fmt::print("{}  {}: differs\n", line.id, line.to_string());
  for (const std::string& difference : found.differences) fmt::print("  {}\n", difference);
}

void print(const Verified& v) {
  for (const auto& [reason, trials] : v.refused)
    fmt::print("{}{} could not be run again: {}\n", trials[0],
               trials.size() > 1 ? fmt::format(" and {} more", trials.size() - 1) : "", reason);
  fmt::print("{} run again: {} equal to the bit, {} different. {} compared.\n",
             count_text(v.again(), "trial"), v.equal, v.different, count_text(v.numbers, "number"));
  if (!v.refused.empty()) fmt::print("{} could not be run again.\n", count_text(v.not_again(), "trial"));
  for (const std::string& build : v.builds)
    fmt::print(stderr,
               "Other builds may differ in the last bits, and training amplifies that. Recorded with\n  {}\n"
               "and run again with\n  {}\n",
               build, build_stamp());
}

int run(const Input& input, Registry&) {
  const RunDirectory directory(input.get<std::string>("directory"));
  const std::vector<PlanLine> lines = chosen_trials(directory, input);
  const Rerun rerun = rerun_of(directory, lines);
  const ScratchFolder folder("verify");  // not the user's directory, whose files must not change
  const RunDirectory again(folder.path());
  const PlanClaim claim = again.prepare(rerun.sweep, "", input.command);
  RunOptions options;
  options.threads = threads_option(input);
  options.jobs = jobs_option(input, options.threads);
  options.command = input.command;
  options.task_cache = directory.subwords();
  options.work = rerun.seconds;
  options.terminal = messages_reach_a_terminal();
  options.reasons = false;  // printed below, each once
  if (!rerun.trials.empty()) run_trials(again, rerun.sweep, options, Signals());

  Verified verified;
  for (const NotAgain& refused : rerun.refused)
    verified.refused[refused.reason].push_back(
        fmt::format("{}  {}", refused.trial.id, refused.trial.to_string()));
  for (const PlanLine& line : rerun.trials) compare(directory, again, line, verified);
  print(verified);
  if (const std::size_t ended = verified.again() + verified.not_again(); ended < lines.size()) {
    fmt::print(stderr, "Stopped: {} of {} verified.\n", ended, count_text(lines.size(), "trial"));
    return kStopped;
  }
  return verified.different > 0 ? kSomeFailed : verified.refused.empty() ? kDone : kInputOutput;
}

}  // namespace

Command verify_command() {
  Command c;
  c.name = "verify";
  c.synopsis = "DIR [--trial ID ...] [--sample N] [-j N]";
  c.summary = "train finished trials again and compare every number to the bit";
  c.details =
      "Each trial runs again from the configuration in its file, in a process of its own. The run directory "
      "is not\n"
      "changed. Parameters, metrics, curves and arrays must have the same bits, except values that vary "
      "between runs\n"
      "(times, memory, host). Prints each difference and its size; the exit code is then 1. Trials that "
      "could not be run\n"
      "again (their plugin or text changed or is gone, their file is damaged) are counted separately, with "
      "the "
      "reason; the\n"
      "exit code is then 74.\n"
      "\n"
      "    heed verify runs/quickstart --sample 3";
  c.options.add_options()("trial", po::value<std::vector<std::string>>()->value_name("ID"),
                          "verify only this trial; may be repeated")(
      "sample", po::value<int>()->value_name("N"),
      "verify N trials, evenly spaced in the plan, always the same")(
      "jobs,j", po::value<int>()->value_name("N"), "trials side by side; default: the number of cores")(
      "threads", po::value<int>()->value_name("N"),
      "threads of each trial (1); another number than in the first run is a stronger test");
  c.arguments = {"directory"};
  c.required = 1;
  c.run = run;
  return c;
}

}  // namespace heed::cli
