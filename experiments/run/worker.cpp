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
#include "experiments/ranks/lost_rank.h"
#include "experiments/ranks/rank_output.h"
#include "experiments/run/run_directory.h"
#include "experiments/system/clock.h"
#include "experiments/train/checkpoint.h"
#include "experiments/train/kept_states.h"
#include "experiments/train/provenance.h"
#include "experiments/train/training.h"
#include "experiments/trial/quantity.h"
#include "results/comparison.h"
#include "results/descriptor.h"
#include "results/errors.h"
#include "results/trial_file.h"

namespace heed {
namespace {

using results::Record;

// A report needs a system call; five per second are enough for a reader.
constexpr double kSecondsBetweenReports = 0.2;
// Less often on the file system, which many machines may share.
constexpr double kSecondsBetweenFiles = 1;

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
  send_report(options, "note " + text);
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
    results::replace_trial(record, options.out);
    std::error_code ignored;                   // if it cannot be removed, `heed status` names it
    std::filesystem::remove(second, ignored);  // it was compared with a file that is now replaced
    return;
  }
  if (results::write_trial(record, options.out)) return;
  results::replace_trial(record, second);
  const Record first = results::read_trial_summary(options.out);
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
  record.run = options.run;
  if (options.out.empty()) return;
  try {
    store(record, options);
  } catch (const results::IoError& e) {
    send_report(options, fmt::format("refused {}", e.what()));
    throw;
  }
  send_report(options, fmt::format("ended {} {}", results::to_string(record.status), record.reason));
}

volatile std::sig_atomic_t asked_to_leave = 0;

// What a worker does beside training: it reports, and saves and loads checkpoints.
class Bookkeeping {
 public:
  explicit Bookkeeping(const WorkerOptions& options)
      : options_(options),
        done_(options.done ? *options.done : own_),
        checkpoints_(options.checkpoint, trial_id(options.trial)),
        interval_(read_duration(options.trial.train.checkpoint).value_or(0)) {
    remove_progress(options);  // left by a process that was killed
  }

  // Requires: the plugins of the trial are in the registry, which outlives the hooks.
  TrainHooks hooks(const Registry& registry) {
    TrainHooks hooks;
    hooks.after_step = [this](Index steps) { done_.steps = steps; };
    hooks.progress = [this](const TrialProgress& p) { report(p); };
    if (options_.checkpoint.empty()) return hooks;
    leave_when_asked();
    kept_.emplace(options_.checkpoint.parent_path(), options_.trial, options_.keep, registry);
    hooks.resume = [this] { return load(); };
    hooks.leave = [this](const TrainState& state) { return save_and_leave(state); };
    if (options_.contest) hooks.stop = [this](const TrainState& state) { return stop(state); };
    return hooks;
  }

  // Returns what a rule says, or an empty string where the run directory cannot be read or written: a rule
  // never costs a trial.
  std::string ask_rule(Index step, const auto& question) const {
    try {
      return question(*options_.contest);
    } catch (const results::IoError& e) {
      note(options_, fmt::format("no rule was applied after step {}: {}", step, e.what()));
      return "";
    }
  }

  Record failed(const std::string& reason) const {
    return record_failure(options_,
                          {results::Status::failed, abbreviated(reason), done_.steps, wall_seconds()});
  }

  // Records that a rule has ended the trial before this process continued it.
  Record stopped(const std::string& reason) const {
    return record_failure(options_,
                          {results::Status::stopped, reason, checkpoints_.latest_step().value_or(0), 0});
  }

  void finish(Record& record) const {
    record.seconds = wall_seconds();
    // Earlier processes may have shared the machine with other trials, so the times belong to no single load.
    record.jobs = done_.earlier_seconds > 0 ? 0 : options_.jobs;
    write_record(record, options_);
    if (!options_.checkpoint.empty() && record.status != results::Status::stopped) checkpoints_.remove();
  }

 private:
  double wall_seconds() const { return done_.earlier_seconds + steady_seconds() - begin_; }

  void report(const TrialProgress& p) {
    if (p.step < p.steps && steady_seconds() - reported_ < kSecondsBetweenReports) return;
    reported_ = steady_seconds();
    send_report(options_, to_line(p));
    if (options_.progress.empty() || steady_seconds() - filed_ < kSecondsBetweenFiles) return;
    filed_ = steady_seconds();
    write_progress(options_.progress, p);
  }

  std::optional<SavedState> load() {
    std::vector<std::string> notes;
    std::optional<SavedState> loaded = checkpoints_.load(notes);
    Index shorter = 0;
    // A rule must see a trial at every rung, so it does not begin in the middle.
    if (const auto found = loaded || options_.contest ? std::nullopt : kept_->find()) {
      loaded = kept_->load(*found, notes);
      shorter = found->steps;
    }
    for (const std::string& text : notes) note(options_, text);
    if (!loaded) return loaded;
    done_.steps = loaded->log.steps;
    done_.earlier_seconds = loaded->log.wall_seconds;
    send_report(options_, fmt::format("continues {} {}", loaded->log.steps, shorter));
    return loaded;
  }

  // Saves a checkpoint if it is time to, or if somebody asks to stop. Returns true in the latter case. After
  // the last step there is nothing to continue.
  bool save_and_leave(const TrainState& state) {
    keep(state);
    if (state.log.steps == options_.trial.train.steps) return false;
    if (!asked_to_leave && (interval_ == 0 || steady_seconds() - saved_ < interval_)) return false;
    save(state);
    return asked_to_leave != 0;
  }

  // Asks the rule whether the training stops here. Saves a checkpoint then, from which
  // `heed run --complete` continues.
  std::string stop(const TrainState& state) {
    std::string reason = ask_rule(state.log.steps, [&](const Contest& contest) {
      return why_stopped(contest, trial_id(options_.trial), state.log);
    });
    if (!reason.empty()) save(state);
    return reason;
  }

  void save(const TrainState& state) {
    saved_ = steady_seconds();
    attempt(state, [&] {
      checkpoints_.save(state);
      send_report(options_, fmt::format("saved {}", state.log.steps));
    });
  }

  void keep(const TrainState& state) {
    if (kept_->keeps(state.log.steps)) attempt(state, [&] { kept_->keep(state); });
  }

  // A checkpoint that cannot be written costs time later, not the trial.
  void attempt(const TrainState& state, const auto& write) {
    state.log.wall_seconds = wall_seconds();
    try {
      write();
    } catch (const results::IoError& e) {
      fmt::print("No checkpoint after step {}: {}\n", state.log.steps, e.what());
    } catch (const std::bad_alloc&) {
      fmt::print("No checkpoint after step {}: out of memory\n", state.log.steps);
    }
  }

  const WorkerOptions& options_;
  WorkDone own_;
  WorkDone& done_;
  Checkpoints checkpoints_;
  std::optional<KeptStates> kept_;
  double interval_;
  double begin_ = steady_seconds(), reported_ = 0, filed_ = begin_, saved_ = begin_;
};

}  // namespace

void leave_when_asked() {
  struct sigaction action {};
  action.sa_handler = [](int) { asked_to_leave = 1; };
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaction(signal, &action, nullptr);
}

void send_report(const WorkerOptions& options, const std::string& line) {
  if (options.report_to < 0) return;
  std::string text = line;
  std::replace(text.begin(), text.end(), '\n', ' ');
  text += '\n';
  if (!options.mark.empty()) {
    RankReport report{.text = line};
    if (options.communicator) report.rank = options.communicator->rank();
    if (options.done)
      report.steps = options.done->steps, report.earlier_seconds = options.done->earlier_seconds;
    text = to_line(options.mark, report);
  }
  // Errors are ignored: if the supervisor has ended, the trial file has the result. Short lines are written
  // atomically.
  [[maybe_unused]] const ssize_t written = write(options.report_to, text.data(), text.size());
}

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
  if (word == "continues" && in >> step >> report.shorter) report.continues = step;
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

std::string reason_of_exception(const WorkerOptions& options) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return options.memory_bytes > 0
               ? fmt::format("out of memory: at most {:.0f} MiB are allowed (limits.memory)",
                             options.memory_bytes / (1024 * 1024))
               : "out of memory";
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

std::optional<Record> stopped_before_start(const WorkerOptions& options) {
  if (!options.contest) return std::nullopt;
  Bookkeeping books(options);
  const std::string reason = books.ask_rule(0, why_not_started);
  return reason.empty() ? std::nullopt : std::optional(books.stopped(reason));
}

std::optional<Record> work(const WorkerOptions& options, Registry& registry) {
  // Not in the block below: a record that cannot be written is no failure of the trial.
  if (!options.communicator)  // otherwise the launcher has asked
    if (std::optional<Record> stopped = stopped_before_start(options)) return stopped;
  Bookkeeping books(options);
  std::optional<Record> record;
  try {
    limit_memory(options.memory_bytes);
    for (const PluginOrigin& plugin : options.trial.plugins) load_plugin(plugin, registry);
    record = run_trial(options.trial, registry, options.threads, books.hooks(registry), options.communicator);
  } catch (const LostRank&) {
    throw;
  } catch (...) {
    limit_memory(0);
    return books.failed(reason_of_exception(options));
  }
  if (!record) return std::nullopt;
  limit_memory(0);  // the limit is for training; writing the result may need more
  try {
    books.finish(*record);
  } catch (const std::bad_alloc&) {
    record.reset();
    return books.failed("out of memory while its result was written");
  }
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
