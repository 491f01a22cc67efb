#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/cli/sweep_input.h"
#include "experiments/run/progress.h"
#include "experiments/run/ranks_of_sweep.h"
#include "experiments/run/run_directory.h"
#include "experiments/run/slurm.h"
#include "experiments/run/supervisor.h"
#include "experiments/system/files.h"
#include "experiments/system/this_program.h"
#include "results/atomic_file.h"
#include "results/errors.h"

namespace heed::cli {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

// Boost passes the words after "--" together with the overrides. An override never begins with a dash, an
// option always does.
struct Given {
  Words overrides, options;
};
Given given_words(const Input& input) {
  const Words all = input.all("override");
  const auto options = std::find_if(all.begin(), all.end(), [](const auto& w) { return w.starts_with('-'); });
  return {{all.begin(), options}, {options, all.end()}};
}

// Refuses options that heed sets itself. Slurm checks the others.
void check_options(const Words& options) {
  for (const std::string& o : options)
    for (const char* ours : {"--array", "--wait", "--wrap", "--parsable"})
      if (o == ours || o.starts_with(std::string(ours) + '=') || (ours[2] == 'a' && o.starts_with("-a")) ||
          o == "-W")
        throw UsageError(
            fmt::format("'{}' cannot be passed on: heed submit defines the array. --tasks N sets its length, "
                        "--at-once M how many elements run side by side.",
                        o));
}

// Returns the parts that have something to run.
std::vector<std::size_t> parts_to_run(const RunDirectory& directory, const Sweep& sweep, std::size_t parts,
                                      std::optional<RunDirectory::FileTime> retry, bool complete) {
  const auto say = [](const std::string& what) { fmt::print(stderr, "{} The trial runs again.\n", what); };
  std::vector<std::size_t> elements;
  for (std::size_t i = 0; i < sweep.trials.size(); ++i)
    if (directory.needs_run(sweep.trials[i].id, retry, complete, say))
      elements.push_back(Part::of_trial(i, parts));
  std::sort(elements.begin(), elements.end());
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  return elements;
}

// Returns the output of `scontrol show config`; empty if there is no Slurm. With --print, also if Slurm does
// not answer.
std::string slurm_config(bool print) {
  if (find_program("scontrol").empty()) return "";
  try {
    return output_of({"scontrol", "show", "config"});
  } catch (const results::IoError&) {
    if (!print) throw;
    fmt::print(stderr, "Slurm does not answer: MaxArraySize is assumed to be {}.\n", kMaxArraySize);
    return "";
  }
}

std::size_t number_of_parts(const Input& input, std::size_t trials) {
  const std::size_t most = max_array_size(slurm_config(input.has("print")));
  const std::size_t wanted = static_cast<std::size_t>(integer_option(input, "tasks", static_cast<int>(most)));
  if (wanted > most)
    throw UsageError(
        fmt::format("--tasks is {} but this Slurm takes arrays of at most {} (MaxArraySize).", wanted, most));
  return std::min(wanted, trials);
}

std::string without_cluster(const std::string& parsable) {  // "17;cluster\n"
  return parsable.substr(0, parsable.find_first_of(";\n"));
}

void submit(const SlurmJob& job) {
  const std::string array = without_cluster(output_of(array_command(job)));
  fmt::print("Array {}: {} of {}, for {}.\n", array, count_text(job.elements.size(), "element"), job.parts,
             job.directory.string());
  std::string merge;
  try {
    merge = without_cluster(output_of(merge_command(job, array)));
  } catch (const results::IoError& e) {
    throw results::IoError(
        "sbatch",
        fmt::format(
            "accepted the array, but not the job that merges. Run `heed merge {}` when the array has ended.",
            job.directory.string()));
  }
  fmt::print("Job {} merges when all of it has ended. `heed status {}` shows the state.\n", merge,
             job.directory.string());
}

int run(const Input& input, Registry& registry) {
  const Given words = given_words(input);
  check_options(words.options);
  const bool print = input.has("print");
  if (!print && find_program("sbatch").empty())
    throw results::IoError("sbatch",
                           "not found: this machine has no Slurm. `heed run` runs the sweep here, and "
                           "`heed submit --print` shows what would be submitted.");
  const LoadedSweep loaded = load_sweep(input.get<std::string>("sweep"), words.overrides, input, registry);
  const Sweep& sweep = loaded.sweep;
  const RunDirectory directory(fs::absolute(loaded.directory));
  refuse_completing_nothing(input, sweep, directory);
  refuse_missing_mpi(sweep, Where::in_a_job);

  SlurmJob job;
  job.name = sweep.name;
  job.command = input.command;
  job.program = this_program_words();
  job.folder = fs::current_path();
  job.directory = directory.root();
  job.ranks = most_ranks(sweep);
  for (const PluginOrigin& plugin : registry.plugins())
    job.run_options.insert(job.run_options.end(), {"--plugin", plugin.path});
  std::optional<RunDirectory::FileTime> retry;
  if (input.has("retry-failed")) {
    retry = RunDirectory::FileTime::max();
    // An element that is queued again continues its retries, but does not retry what failed again.
    job.run_options.insert(job.run_options.end(), {"--retry-failed-before", job_script_path(job).string()});
  }
  job.plan = plan_digest(plan_text(sweep));
  job.parts = number_of_parts(input, sweep.trials.size());
  if (input.has("keep-checkpoints")) job.run_options.emplace_back("--keep-checkpoints");
  if (input.has("complete")) job.run_options.emplace_back("--complete");
  job.elements = parts_to_run(directory, sweep, job.parts, retry, input.has("complete"));
  job.at_once = static_cast<std::size_t>(input.has("at-once") ? integer_option(input, "at-once", 1) : 0);
  job.options = words.options;

  if (job.elements.empty()) {
    fmt::print(stderr, "Nothing to submit: {}, all with results. `heed merge {}` merges them.\n",
               count_text(sweep.trials.size(), "trial"), directory.root().string());
    return kDone;
  }
  const std::string script = job_script(job);
  if (print) {
    fmt::print("# {}\n{}\n# Submitted with\n{}\n{}\n", job_script_path(job).string(), script,
               shell_text(array_command(job)), shell_text(merge_command(job, "ARRAY_ID")));
    return kDone;
  }
  const PlanClaim claim = claim_directory(directory, loaded, input.command);
  results::write_text(job_script_path(job), script);
  submit(job);
  return kDone;
}

}  // namespace

Command submit_command() {
  Command c;
  c.name = "submit";
  c.synopsis = "SWEEP.yaml [key=value ...] [-o DIR] [--tasks N] [--at-once M] [--print] [-- SBATCH-OPTIONS]";
  c.summary = "run the sweep as one Slurm job array";
  c.details =
      "The elements of the array share the trials. Each runs as many side by side as Slurm gives it "
      "processors (-c). A\n"
      "minute before the time limit they save checkpoints and are queued again. A last job merges. Arguments "
      "after -- go\n"
      "to sbatch. The same command again submits what has no result yet. See docs/slurm.md.\n"
      "\n"
      "    heed submit configs/quickstart.yaml train.steps=2000 -- -p gpu -t 2:00:00 -c 4 --mem-per-cpu=1G";
  c.options.add_options()("output,o", po::value<std::string>()->value_name("DIR"),
                          "the run directory, on a disk that all nodes share; default: runs/NAME")(
      "tasks", po::value<int>()->value_name("N"),
      "elements of the array; default: one for each trial, at most Slurm's MaxArraySize")(
      "at-once", po::value<int>()->value_name("M"), "elements that may run at the same time")(
      "keep-checkpoints",
      "keep a checkpoint of each trial, from which trials with more train.steps continue")(
      "complete", "train to the end what sweep.stop has stopped, and stop nothing")(
      "retry-failed", "run trials again that failed or were killed")(
      "print",
      "show the script and the sbatch commands; submit nothing, and write nothing except measured sizes "
      "(compare.match: step_time)");
  c.arguments = {"sweep", "override..."};
  c.required = 1;
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
