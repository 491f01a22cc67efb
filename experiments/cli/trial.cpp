#include <fmt/format.h>

#include "experiments/cli/command.h"
#include "experiments/run/launcher.h"
#include "experiments/run/worker.h"
#include "experiments/trial/yaml.h"

namespace heed::cli {
namespace {

void print(const results::Record& record) {
  fmt::print("{}  {}{}{}\n", record.id, results::to_string(record.status), record.reason.empty() ? "" : ": ",
             record.reason);
  for (const results::Metric& m : record.metrics)
    fmt::print("{:<28}{:>16.6g} {}\n", m.name, m.value, m.unit == "1" ? "" : m.unit);
}

// Reads what Supervisor::add_contest has written.
Contest contest_from(const Input& input) {
  Problems problems;
  Contest contest;
  if (const auto rule = parse_yaml_value(input.get<std::string>("rule"), "--rule", problems))
    read_options(contest.rule, *rule, "rule", "'--rule'", problems);
  problems.throw_if_any();
  contest.folder = input.get<std::string>("contest");
  if (input.has("leader")) contest.leader = input.get<std::string>("leader");
  return contest;
}

int run(const Input& input, Registry& registry) {
  Problems problems;
  const auto tree = read_yaml(input.get<std::string>("config"), problems);
  problems.throw_if_any();
  WorkerOptions options;
  options.trial = trial_from_config(*tree);
  options.threads = threads_option(input);
  options.jobs = input.get<std::int64_t>("jobs");
  options.run = input.get<std::string>("run");
  options.plan_index = input.get<std::int64_t>("index");
  options.report_to = input.get<int>("report");
  std::optional<Launcher> launcher;  // of this rank
  if (input.has("rank-of")) launcher = launcher_from(input.get<std::string>("rank-of"));
  std::optional<SharedWorkDone> done;
  if (input.has("work-done")) {
    const int page = input.get<int>("work-done");
    if (launcher)
      done = work_done_of(*launcher, page);
    else
      done.emplace(Descriptor(page));
    if (done) options.done = &**done;
  }
  registry.set_task_cache(input.get<std::string>("task-cache"));
  options.replace = input.has("replace");
  options.command = input.has("command") ? input.get<std::string>("command") : input.command;
  if (input.has("out")) options.out = input.get<std::string>("out");
  if (input.has("checkpoint")) options.checkpoint = input.get<std::string>("checkpoint");
  if (input.has("progress")) options.progress = input.get<std::string>("progress");
  options.keep = input.has("keep-checkpoint");
  options.memory_bytes = input.get<double>("memory-limit");
  if (input.has("contest")) options.contest = contest_from(input);
  if (launcher) return work_as_rank(options, *launcher, registry, print);
  if (options.trial.train.context_parallel > 1 && !input.has("record-failure")) return launch(options);
  std::optional<results::Record> record;
  if (input.has("record-failure"))
    record = record_failure(options, {results::status_from(input.get<std::string>("status")),
                                      input.get<std::string>("record-failure"),
                                      input.get<std::int64_t>("last-step"), input.get<double>("seconds")});
  else
    record = work(options, registry);
  if (!record) return kStopped;
  print(*record);
  return record->status == results::Status::done || record->status == results::Status::stopped ? kDone
                                                                                               : kSomeFailed;
}

}  // namespace

Command trial_command() {
  Command c;
  c.name = "trial";
  c.synopsis = "--config FILE [--out FILE] [--threads N]";
  c.summary = "run one trial in this process, as `heed run` does in a worker";
  c.details =
      "Use it under a debugger: logs/ID.yaml of a run directory is a trial's resolved configuration. Without "
      "--out it\n"
      "writes no file.\n"
      "\n"
      "    gdb --args heed trial --config runs/quickstart/logs/ID.yaml";
  c.options.add_options()("config", po::value<std::string>()->required(), "a resolved configuration")(
      "out", po::value<std::string>(), "the trial file to write")(
      "threads", po::value<int>()->default_value(1), "threads")(
      "jobs", po::value<std::int64_t>()->default_value(1), "trials side by side, for the record")(
      "run", po::value<std::string>()->default_value(""), "the process that supervises it, for the record")(
      "index", po::value<std::int64_t>()->default_value(0), "the trial's number in the plan")(
      "report", po::value<int>()->default_value(-1), "a file descriptor for progress")(
      "work-done", po::value<int>(), "a file descriptor of the shared page for its progress")(
      "rank-of", po::value<std::string>(), "be one of the ranks that this launcher has started")(
      "command", po::value<std::string>(), "the user's command, for the record")(
      "task-cache", po::value<std::string>()->default_value(""), "a folder with the subwords of the run")(
      "progress", po::value<std::string>(), "a file that says how far it is")(
      "checkpoint", po::value<std::string>(), "base name of its checkpoints")(
      "keep-checkpoint", "keep one for longer trials")("contest", po::value<std::string>(),
                                                       "the folder of the trials that compete with it")(
      "rule", po::value<std::string>(), "the rule under which they compete")(
      "leader", po::value<std::string>(), "the trial file of its setting's first seed")(
      "memory-limit", po::value<double>()->default_value(0), "bytes")(
      "replace", "replace the file if the trial failed before")(
      "record-failure", po::value<std::string>(),
      "do not train; record that the trial ended for this reason")(
      "status", po::value<std::string>()->default_value("failed"), "of a recorded failure")(
      "last-step", po::value<std::int64_t>()->default_value(0), "of a recorded failure")(
      "seconds", po::value<double>()->default_value(0), "of a recorded failure");
  c.internal = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
