#include "experiments/run/worker.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <new>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "core/abbreviate.h"
#include "core/plugin_host.h"
#include "experiments/run/run_directory.h"
#include "experiments/system/clock.h"
#include "experiments/train/checkpoint.h"
#include "experiments/train/provenance.h"
#include "experiments/train/trainer.h"
#include "experiments/trial/quantity.h"
#include "results/descriptor.h"
#include "results/errors.h"
#include "results/sameness.h"
#include "results/shard.h"

namespace heed {
namespace {

using results::Record;

// A report needs a system call; five per second are enough for a reader.
constexpr double kSecondsBetweenReports = 0.2;
// Less often on the file system, which many machines may share.
constexpr double kSecondsBetweenFiles = 1;

void send(int fd, const std::string& line) {
  if (fd < 0) return;
  std::string text = line;
  std::replace(text.begin(), text.end(), '\n', ' ');
  text += '\n';
  // Errors are ignored: if the supervisor has ended, the trial file has the result. Short lines are written
  // atomically.
  [[maybe_unused]] const ssize_t written = write(fd, text.data(), text.size());
}

// Writes the progress for `heed status`. All lines have the same length, so that a reader never sees the rest
// of a longer one. Errors are ignored.
void write_progress(const std::filesystem::path& path, const TrialProgress& p) {
  const results::Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  const std::string line = fmt::format("{:<127}\n", to_line(p));
  [[maybe_unused]] const ssize_t written = pwrite(file.get(), line.data(), line.size(), 0);
}

void remove_progress(const WorkerOptions& options) {
  std::error_code stays;
  if (!options.progress.empty()) std::filesystem::remove(options.progress, stays);
}

// Sends a note to the supervisor, which shows it to the user, and writes it to the log.
void note(const WorkerOptions& options, const std::string& text) {
  fmt::print("{}\n", text);
  send(options.report_to, "note " + text);
}

bool is_result(results::Status status) {
  return status == results::Status::done || status == results::Status::diverged;
}

// Returns true if the record may replace this file: a failure that is tried again, a failure if this copy has
// succeeded, or a damaged file. A result is never replaced.
bool may_replace(const WorkerOptions& options, const Record& record) {
  if (!std::filesystem::exists(options.out)) return false;
  try {
    return !is_result(results::read_outcome(options.out).status) &&
           (options.replace || is_result(record.status));
  } catch (const results::DamagedFile&) {
    return true;
  }
}

// Writes the trial file. If another copy of the trial has ended before (docs/slurm.md), its file is kept and
// its record is returned, unless that copy failed and this one did not. If the results differ, this one is
// written into a second file.
void store(Record& record, const WorkerOptions& options) {
  const std::filesystem::path second = second_copy(options.out);
  if (may_replace(options, record)) {
    results::replace_shard(record, options.out);
    std::error_code ignored;                   // if it cannot be removed, `heed status` names it
    std::filesystem::remove(second, ignored);  // it was compared with a file that is now replaced
    return;
  }
  if (results::write_shard(record, options.out)) return;
  results::replace_shard(record, second);
  const Record first = results::read_shard_summary(options.out);
  std::vector<std::string> differing = results::compare_results(options.out, second);
  std::erase(differing, "trial");  // the index in the plan changes when the sweep grows
  if (first.status != record.status)
    differing = {
        fmt::format("{}, now {}", results::to_string(first.status), results::to_string(record.status))};
  if (differing.empty())
    std::filesystem::remove(second);
  else
    note(
        options,
        fmt::format(
            "another process has already recorded this trial, with a different result ({}). {} is kept; this "
            "one is {}.",
            fmt::join(differing, ", "), options.out.string(), second.string()));
  record.status = first.status;
  record.reason = first.reason;
}

void write_record(Record& record, const WorkerOptions& options) {
  remove_progress(options);
  record.provenance = provenance(options.command);
  record.plan_index = options.plan_index;
  record.threads = options.threads;
  if (options.out.empty()) return;
  try {
    store(record, options);
  } catch (const results::IoError& e) {
    send(options.report_to, fmt::format("refused {}", e.what()));
    throw;
  }
  send(options.report_to, fmt::format("ended {} {}", results::to_string(record.status), record.reason));
}

volatile std::sig_atomic_t asked_to_leave = 0;

void leave_when_asked() {
  struct sigaction action {};
  action.sa_handler = [](int) { asked_to_leave = 1; };
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaction(signal, &action, nullptr);
}

// Saves a checkpoint. If it cannot be written, the trial continues: it only loses time after a stop.
void save(Checkpoints& checkpoints, const TrainState& state, const WorkerOptions& options) {
  try {
    checkpoints.save(state);
    send(options.report_to, fmt::format("saved {}", state.log.steps));
  } catch (const results::IoError& e) {
    fmt::print("No checkpoint after step {}: {}\n", state.log.steps, e.what());
  } catch (const std::bad_alloc&) {
    fmt::print("No checkpoint after step {}: out of memory\n", state.log.steps);
  }
}

}  // namespace

// Does nothing under a sanitizer, whose shadow memory exceeds any limit.
void limit_memory([[maybe_unused]] double bytes) {
#if !defined(HEED_SANITIZE_ADDRESS) && !defined(HEED_SANITIZE_THREAD)
  rlimit limit{};
  getrlimit(RLIMIT_DATA, &limit);
  limit.rlim_cur = bytes > 0 ? std::min(static_cast<rlim_t>(bytes), limit.rlim_max) : limit.rlim_max;
  setrlimit(RLIMIT_DATA, &limit);
#endif
}

std::string to_line(const TrialProgress& p) {
  return fmt::format("step {} {} {:.5g} {:.5g} {:.3f} {}", p.step, p.steps, p.loss, p.accuracy, p.seconds,
                     p.began);
}

WorkerReport read_report(const std::string& line) {
  WorkerReport report;
  std::istringstream in(line);
  std::string word, loss, accuracy;
  in >> word;
  if (word == "ended") {
    in >> report.ended >> std::ws;
    std::getline(in, report.reason);
  }
  if (word == "refused") std::getline(in >> std::ws, report.refused);
  Index step = 0;
  if (word == "continues" && in >> step) report.continues = step;
  if (word == "saved" && in >> step) report.saved = step;
  if (word == "note") std::getline(in >> std::ws, report.note);
  TrialProgress p;
  // Reads numbers as strings first, because streams do not parse "nan".
  if (word == "step" && in >> p.step >> p.steps >> loss >> accuracy >> p.seconds >> p.began) {
    p.loss = std::strtod(loss.c_str(), nullptr);
    p.accuracy = std::strtod(accuracy.c_str(), nullptr);
    report.progress = p;
  }
  return report;
}

std::optional<Record> work(const WorkerOptions& options, Registry& registry) {
  const double begin = steady_seconds();
  WorkDone own;
  WorkDone& done = options.done ? *options.done : own;
  const auto wall_seconds = [&] { return done.earlier_seconds + steady_seconds() - begin; };
  double reported = 0, filed = begin;
  remove_progress(options);  // left by a process that was killed
  TrainHooks hooks;
  hooks.after_step = [&](Index steps) { done.steps = steps; };
  hooks.progress = [&](const TrialProgress& p) {
    if (p.step < p.steps && steady_seconds() - reported < kSecondsBetweenReports) return;
    reported = steady_seconds();
    send(options.report_to, to_line(p));
    if (options.progress.empty() || steady_seconds() - filed < kSecondsBetweenFiles) return;
    filed = steady_seconds();
    write_progress(options.progress, p);
  };
  Checkpoints checkpoints(options.checkpoint, trial_id(options.trial));
  const double interval = read_duration(options.trial.train.checkpoint).value_or(0);
  double saved = begin;
  if (!options.checkpoint.empty()) {
    leave_when_asked();
    hooks.resume = [&] {
      std::vector<std::string> notes;
      std::optional<SavedState> loaded = checkpoints.load(notes);
      for (const std::string& text : notes) note(options, text);
      if (loaded) {
        send(options.report_to, fmt::format("continues {}", loaded->log.steps));
        done.steps = loaded->log.steps;
        done.earlier_seconds = loaded->log.wall_seconds;
      }
      return loaded;
    };
    hooks.leave = [&](const TrainState& state) {
      if (!asked_to_leave && (interval == 0 || steady_seconds() - saved < interval)) return false;
      saved = steady_seconds();
      state.log.wall_seconds = wall_seconds();
      save(checkpoints, state, options);
      return asked_to_leave != 0;
    };
  }
  const auto failed = [&](const std::string& reason) {
    return record_failure(options,
                          {results::Status::failed, abbreviated(reason), done.steps, wall_seconds()});
  };
  std::optional<Record> record;
  try {
    limit_memory(options.memory_bytes);
    for (const PluginOrigin& plugin : options.trial.plugins) load_plugin(plugin, registry);
    record = run_trial(options.trial, registry, options.threads, hooks);
  } catch (const std::bad_alloc&) {
    limit_memory(0);
    return failed(options.memory_bytes > 0
                      ? fmt::format("out of memory: at most {:.0f} MiB are allowed (limits.memory)",
                                    options.memory_bytes / (1024 * 1024))
                      : "out of memory");
  } catch (const std::exception& e) {
    return failed(e.what());
  } catch (...) {
    return failed("an exception that is not a std::exception");
  }
  if (!record) return std::nullopt;
  record->seconds = wall_seconds();
  // Earlier processes may have shared the machine with other trials, so the times belong to no single load.
  record->jobs = done.earlier_seconds > 0 ? 0 : options.jobs;
  limit_memory(0);  // the limit is for training; writing the result may need more
  try {
    write_record(*record, options);
  } catch (const std::bad_alloc&) {
    record.reset();
    return failed("out of memory while its result was written");
  }
  if (!options.checkpoint.empty()) checkpoints.remove();
  return record;
}

Record record_failure(const WorkerOptions& options, const Failure& failure) {
  Record record = empty_record(options.trial);
  record.status = failure.status;
  record.reason = failure.reason;
  record.last_step = failure.last_step;
  record.seconds = failure.seconds;
  write_record(record, options);
  return record;
}

}  // namespace heed
