#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/cli/report_merge.h"
#include "experiments/cli/sweep_input.h"
#include "experiments/comparison.h"
#include "experiments/estimate.h"
#include "experiments/progress.h"
#include "experiments/provenance.h"
#include "experiments/run_directory.h"
#include "experiments/supervisor.h"
#include "experiments/table_text.h"
#include "results/table.h"

namespace heed::cli {
namespace {

std::vector<double> work_of(const Sweep& sweep, const Registry& registry) {
  Estimator estimate(registry);
  std::vector<double> work;
  for (const PlannedTrial& t : sweep.trials) work.push_back(std::max(1.0, estimate(t.config).training_flops));
  return work;
}

// "2/8": the third of eight parts.
Part part_from(const std::string& text) {
  std::istringstream in(text);
  long long index = -1, of = 0;
  char slash = 0;
  if (!(in >> index >> slash >> of) || slash != '/' || !in.eof() || index < 0 || index >= of)
    throw UsageError(
        fmt::format("--part is '{}' but must be K/N with K from 0 to N-1, as in --part 0/4.", text));
  return {static_cast<std::size_t>(index), static_cast<std::size_t>(of)};
}

// After the trials of one part: another process merges all parts.
int end_part(const RunDirectory& directory, const Sweep& sweep, const Part& part) {
  std::size_t trials = 0, done = 0;
  for (std::size_t i = 0; i < sweep.trials.size(); ++i) {
    if (!part.has(i)) continue;
    ++trials;
    done += directory.outcome(sweep.trials[i].id) == results::Status::done;
  }
  fmt::print(stderr, "Part {}/{}: {} of {} done. `heed merge {}` puts all parts together.\n", part.index,
             part.of, done, count_text(trials, "trial"), directory.root().string());
  return done == trials ? kDone : kSomeFailed;
}

int run(const Input& input, Registry& registry) {
  const LoadedSweep loaded =
      load_sweep(input.get<std::string>("sweep"), input.all("override"), input, registry);
  const Sweep& sweep = loaded.sweep;
  const RunDirectory directory(loaded.directory);
  RunOptions options;
  options.threads = whole_number(input, "threads", 1);
  options.jobs = whole_number(input, "jobs", std::max(1, cores() / options.threads));
  options.retry_failed = input.has("retry-failed");
  options.fail_fast = input.has("fail-fast");
  if (input.has("part")) options.part = part_from(input.get<std::string>("part"));
  options.command = input.command;
  options.work = work_of(sweep, registry);
  options.messages = stderr;
  options.terminal = messages_reach_a_terminal();

  directory.prepare(sweep, loaded.text);
  loaded.keep_step_times();
  const SweepEnd end = run_trials(directory, sweep, options);
  const bool whole = !input.has("part");
  const bool good = !whole || merge_and_report(directory, plan_lines(sweep), input.command);
  if (end == SweepEnd::stopped) {
    fmt::print(stderr, "Stopped. The same command again continues.\n");
    return kStopped;
  }
  if (end == SweepEnd::failed_fast) {
    fmt::print(stderr, "Stopped at the first failure (--fail-fast): `heed status {}` says why.\n",
               directory.root().string());
    return kSomeFailed;
  }
  if (!whole) return end_part(directory, sweep, options.part);
  const results::Results results = results::read_results(directory.results());
  fmt::print("{}\n", table_text(compare(results, sweep.compare)));
  print_digest(directory.results());
  fmt::print(stderr, "Results: {}\n", directory.results().string());
  const std::vector<std::string> status = results.texts("status");
  const bool all_done =
      std::all_of(status.begin(), status.end(), [](const std::string& s) { return s == "done"; });
  if (!all_done)
    fmt::print(stderr, "Some trials failed: `heed status {}` says why.\n", directory.root().string());
  return good && all_done ? kDone : kSomeFailed;
}

}  // namespace

Command run_command() {
  Command c;
  c.name = "run";
  c.synopsis = "SWEEP.yaml [key=value ...] [-o DIR] [-j N]";
  c.summary = "trains what has no result yet, merges, prints the comparison";
  c.details =
      "Each trial runs in a process of its own. The same command again continues: what is finished is not "
      "run again,\n"
      "and a sweep that has grown runs only what is new. Ctrl-C stops; what was running has a checkpoint and "
      "continues there.\n"
      "key=value sets any key of the file by its dotted path; a list makes an axis.\n\n"
      "    heed run configs/quickstart.yaml train.steps=500 sweep.seeds=5 -j 2";
  c.options.add_options()("output,o", po::value<std::string>()->value_name("DIR"),
                          "the run directory; runs/NAME where it is not given")(
      "jobs,j", po::value<int>()->value_name("N"),
      "trials side by side; as many as there are cores where it is not given")(
      "threads", po::value<int>()->value_name("N"),
      "threads of each trial (1); they change no bit of the results")(
      "retry-failed", "run trials again that failed or were killed")(
      "fail-fast", "stop at the first trial that does not end well")(
      "part", po::value<std::string>()->value_name("K/N"),
      "of the plan only the trials whose number leaves K when divided by N (K from 0), without merging: the "
      "N parts may run on N machines that share DIR, and `heed merge DIR` puts them together");
  c.arguments = {"sweep", "override..."};
  c.required = 1;
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
