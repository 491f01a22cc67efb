#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/cli/kept_subwords.h"
#include "experiments/cli/report_merge.h"
#include "experiments/cli/sweep_input.h"
#include "experiments/report/compare/comparison.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/run/progress.h"
#include "experiments/run/ranks_of_sweep.h"
#include "experiments/run/run_directory.h"
#include "experiments/run/supervisor.h"
#include "experiments/system/message.h"
#include "experiments/system/process.h"
#include "experiments/system/this_program.h"
#include "experiments/train/checkpoint.h"
#include "experiments/trial/estimate.h"
#include "experiments/trial/first_steps.h"
#include "experiments/trial/task_of.h"
#include "results/errors.h"
#include "results/table.h"

namespace heed::cli {
namespace {

namespace fs = std::filesystem;

std::vector<double> work_of(const Sweep& sweep, const Registry& registry) {
  Estimator estimate(registry);
  std::vector<double> work;
  for (const PlannedTrial& t : sweep.trials) {
    const Estimate e = estimate(t.config);
    work.push_back(std::max(1.0, e.training_flops + e.evaluation_flops));
  }
  return work;
}

// Reads --part: "2/8" is the third of eight parts.
Part part_from(const std::string& text) {
  std::istringstream in(text);
  long long index = -1, of = 0;
  char slash = 0;
  if (!(in >> index >> slash >> of) || slash != '/' || !in.eof() || index < 0 || index >= of)
    throw UsageError(
        fmt::format("--part is '{}' but must be K/N with K from 0 to N-1, as in --part 0/4.", text));
  return {static_cast<std::size_t>(index), static_cast<std::size_t>(of)};
}

// Returns the modification time of the file of --retry-failed-before.
std::optional<RunDirectory::FileTime> retry_before(const Input& input) {
  if (!input.has("retry-failed-before")) return std::nullopt;
  if (input.has("retry-failed"))
    throw UsageError("--retry-failed and --retry-failed-before exclude each other.");
  const fs::path file = input.get<std::string>("retry-failed-before");
  std::error_code error;
  const auto time = fs::last_write_time(file, error);
  if (error) throw results::IoError(file, "cannot read its time: " + error.message());
  return time;
}

// Counts the trials of a part that ended in one of these ways.
std::size_t count_ended(const RunDirectory& directory, const Sweep& sweep, const Part& part,
                        const std::set<results::Status>& ways) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < sweep.trials.size(); ++i) {
    if (!part.has(i)) continue;
    try {
      const auto how = directory.outcome(sweep.trials[i].id);
      count += how && ways.contains(*how);
    } catch (const results::DamagedFile&) {
      continue;  // the merge reports it
    }
  }
  return count;
}

std::size_t count_done(const RunDirectory& directory, const Sweep& sweep, const Part& part) {
  return count_ended(directory, sweep, part, {results::Status::done});
}

std::size_t count_trials(const Sweep& sweep, const Part& part) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < sweep.trials.size(); ++i) count += part.has(i);
  return count;
}

// Ends a run of one part. Another process merges all parts.
int end_part(const RunDirectory& directory, const Sweep& sweep, const Part& part) {
  const std::size_t trials = count_trials(sweep, part), done = count_done(directory, sweep, part),
                    stopped = count_ended(directory, sweep, part, {results::Status::stopped});
  say("Part {}/{}: {} of {} done{}. `heed merge {}` merges all parts.", part.index, part.of, done,
      count_text(trials, "trial"), stopped > 0 ? fmt::format(", {} stopped by sweep.stop", stopped) : "",
      directory.root().string());
  return done + stopped == trials ? kDone : kSomeFailed;
}

// Merges in a separate process, because HDF5 may end its process if memory runs out, and because a user may
// want to stop a long merge. Returns its exit code, or nullopt if it was stopped.
std::optional<int> merge_apart(const RunDirectory& directory, const std::string& command,
                               const Signals& signals) {
  const EndedProcess ended = run_apart(
      kThisProgram, this_program_with({"merge", directory.root().string(), "--command", command}), signals);
  if (ended.stopped) return std::nullopt;
  write_message(stderr, ended.output);
  if (WIFEXITED(ended.status)) return WEXITSTATUS(ended.status);
  throw results::IoError(
      directory.results(),
      fmt::format(
          "the process that writes it was ended by {}. The trials are kept; `heed merge {}` tries again.",
          signal_text(WTERMSIG(ended.status)), directory.root().string()));
}

// Writes the report in a separate process, so that a crash cannot change the outcome of the run. Returns
// false if it was stopped.
bool report_apart(const RunDirectory& directory, const Signals& signals) {
  const EndedProcess ended =
      run_apart(kThisProgram, this_program_with({"report", directory.root().string(), "--of-run"}), signals);
  if (ended.stopped) return false;
  write_message(stderr, ended.output);
  if (WIFEXITED(ended.status) && WEXITSTATUS(ended.status) <= kSomeFailed)
    say("Report: {}", (directory.root() / "report.html").string());
  else
    say("The report could not be written; the results are complete. `heed report {}` tries again.",
        directory.root().string());
  return true;
}

int end_stopped(const RunDirectory& directory, const Sweep& sweep, const Part& part) {
  std::size_t saved = 0;
  for (std::size_t i = 0; i < sweep.trials.size(); ++i) {
    const std::string& id = sweep.trials[i].id;
    saved += part.has(i) && Checkpoints(directory.checkpoint(id), id).latest_step().has_value();
  }
  const std::size_t failed =
      count_ended(directory, sweep, part, {results::Status::failed, results::Status::killed});
  say("Stopped: {} of {} done, {} with a checkpoint. Run the same command again to continue.{}",
      count_done(directory, sweep, part), count_text(count_trials(sweep, part), "trial"), saved,
      failed > 0 ? fmt::format(" {} failed or were killed: --retry-failed runs them again.",
                               count_text(failed, "trial"))
                 : "");
  return kStopped;
}

// Throws: heed::Error if no trial has a checkpoint that a longer one could continue.
void refuse_keeping_without_effect(const Sweep& sweep, const Registry& registry) {
  std::string why;
  for (const PlannedTrial& t : sweep.trials) {
    why = refuse_lengthening(t.config, *task_of(t.config, registry), registry);
    if (why.empty()) return;
  }
  throw Error(fmt::format("--keep-checkpoints has no effect: {}. Remove it.", why));
}

int run(const Input& input, Registry& registry) {
  const LoadedSweep loaded =
      load_sweep(input.get<std::string>("sweep"), input.all("override"), input, registry);
  const Sweep& sweep = loaded.sweep;
  const RunDirectory directory(loaded.directory);
  refuse_unless_planned(input, input.get<std::string>("sweep"), plan_text(sweep));
  RunOptions options;
  options.threads = threads_option(input);
  options.jobs = jobs_option(input, options.threads);
  refuse_impossible_ranks(sweep, options.jobs);
  refuse_completing_nothing(input, sweep, directory);
  options.complete = input.has("complete");
  options.keep_checkpoints = input.has("keep-checkpoints");
  if (options.keep_checkpoints) refuse_keeping_without_effect(sweep, registry);
  options.fail_fast = input.has("fail-fast");
  options.must_progress = input.has("must-progress");
  if (input.has("part")) options.part = part_from(input.get<std::string>("part"));
  options.command = input.command;
  options.task_cache = directory.subwords();
  options.work = work_of(sweep, registry);
  options.terminal = messages_reach_a_terminal();
  options.retry = retry_before(input);

  const Signals signals;
  const PlanClaim claim = claim_directory(directory, loaded, input.command);  // kept until the report is done
  keep_subwords(directory, sweep, registry);
  directory.remove_leftovers();
  // The modification time of a file that was just written: now, by the clock of the run directory's disk.
  if (input.has("retry-failed")) options.retry = fs::last_write_time(directory.plan());
  const SweepEnd end = run_trials(directory, sweep, options, signals);
  const bool whole = !input.has("part");
  if (whole && end == SweepEnd::stopped)
    say("Merging the finished trials. Ctrl-C stops this too; the next run merges them then.");
  const std::optional<int> merged = whole ? merge_apart(directory, input.command, signals) : kDone;
  if (merged && *merged > kSomeFailed) return *merged;  // it has printed why
  if (end == SweepEnd::stopped || !merged) return end_stopped(directory, sweep, options.part);
  if (end == SweepEnd::failed_fast) {
    say("Stopped at the first failure (--fail-fast). `heed status {}` shows why.", directory.root().string());
    return kSomeFailed;
  }
  if (!whole) return end_part(directory, sweep, options.part);
  const results::Results results = results::read_results(directory.results());
  // First the table, because the report takes some seconds.
  write_message(stdout, fmt::format("{}\n{}\n", table_text(compare(results, sweep.compare)),
                                    digest_line(directory.results())));
  say("Results: {}", directory.results().string());
  if (!report_apart(directory, signals)) return end_stopped(directory, sweep, options.part);
  const std::vector<std::string> status = results.texts("status");
  const auto done = std::ranges::count(status, "done"), stopped = std::ranges::count(status, "stopped");
  const bool all_done = done + stopped == std::ssize(status);
  const std::size_t missing = sweep.trials.size() - status.size();
  if (missing > 0 && *merged == kDone)  // the merge has reported damaged files
    say("{} of {} have no result. Run the same command again to train them.", missing,
        count_text(sweep.trials.size(), "trial"));
  if (stopped > 0)
    say("{} stopped by sweep.stop. Run the same command with --complete to train them to the end.",
        stopped == 1 ? "1 trial was" : fmt::format("{} trials were", stopped));
  if (!all_done) say("Some trials failed. `heed status {}` shows why.", directory.root().string());
  return *merged == kDone && all_done && missing == 0 ? kDone : kSomeFailed;
}

}  // namespace

Command run_command() {
  Command c;
  c.name = "run";
  c.synopsis = "SWEEP.yaml [key=value ...] [-o DIR] [-j N]";
  c.summary = "train what has no result yet, merge, print the comparison, write the report";
  c.details =
      "Each trial runs in a process of its own. The same command again continues: finished trials are not "
      "run again,\n"
      "and a sweep with new seeds, variants or values runs only the new trials. Ctrl-C stops the sweep; "
      "running trials\n"
      "save checkpoints and continue from there. key=value sets any key of the file by its dotted path; a "
      "list makes an\n"
      "axis. A run directory has one plan at a time: another sweep is refused while one runs there (exit "
      "code 64).\n"
      "Trials with more train.steps continue shorter ones of a run with --keep-checkpoints.\n"
      "\n"
      "    heed run configs/quickstart.yaml train.steps=500 sweep.seeds=5 -j 2";
  c.options.add_options()("output,o", po::value<std::string>()->value_name("DIR"),
                          "the run directory; default: runs/NAME")(
      "jobs,j", po::value<int>()->value_name("N"),
      "trials side by side, a trial of R ranks counted R times; default: the number of cores")(
      "threads", po::value<int>()->value_name("N"),
      "threads of each trial (1); the results are bitwise the same")(
      "keep-checkpoints",
      "keep a checkpoint of each trial, from which trials with more train.steps continue")(
      "complete", "train to the end what sweep.stop has stopped, and stop nothing")(
      "retry-failed", "run trials again that failed or were killed")(
      "retry-failed-before", po::value<std::string>()->value_name("FILE"),
      "like --retry-failed, but only trials that failed before FILE was written, so that a job that is "
      "started repeatedly tries each once")("fail-fast",
                                            "stop at the first trial that fails, diverges or is killed")(
      "must-progress",
      "if SIGUSR1 arrives before any trial has ended or saved a later checkpoint, record the running trials "
      "as killed, because they would make no progress if started again")(
      "part", po::value<std::string>()->value_name("K/N"),
      "run only part K of N equal parts of the plan (K from 0), and do not merge. The N parts may run on N "
      "machines that share DIR; `heed merge DIR` then merges them");
  add_plan_option(c.options);
  c.arguments = {"sweep", "override..."};
  c.required = 1;
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
