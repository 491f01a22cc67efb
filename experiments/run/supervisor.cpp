#include "experiments/run/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "experiments/run/progress.h"
#include "experiments/run/ranks_of_sweep.h"
#include "experiments/run/worker.h"
#include "experiments/run/worker_process.h"
#include "experiments/system/clock.h"
#include "experiments/system/exit_codes.h"
#include "experiments/system/files.h"
#include "experiments/system/process.h"
#include "experiments/train/provenance.h"
#include "results/atomic_file.h"
#include "results/errors.h"
#include "results/trial_file.h"

namespace heed {
namespace {

constexpr double kSecondsToStop = 5;
constexpr int kInterruptions = 3;  // a trial that others have stopped this often is recorded as killed

class Supervisor {
 public:
  Supervisor(const RunDirectory& directory, const Sweep& sweep, const RunOptions& options,
             const Signals& signals)
      : directory_(directory),
        sweep_(sweep),
        options_(options),
        signals_(signals),
        run_(fmt::format("{} {}", provenance("").created, getpid())),
        lines_(plan_lines(sweep)) {
    std::vector<std::string> damaged;
    const auto keep = [&](const std::string& what) { damaged.push_back(what); };
    for (std::size_t i = 0; i < lines_.size(); ++i)
      if (options.part.has(i)) {
        ++in_part_;
        if (directory.needs_run(lines_[i].id, options.retry, options.complete, keep)) queue_.push_back(i);
      }
    std::vector<Progress::Trial> pending;
    position_.resize(lines_.size());
    for (std::size_t i : queue_) {
      position_[i] = pending.size();
      pending.push_back({lines_[i].to_string(), options.work[i]});
    }
    pending_ = pending.size();
    const std::size_t earlier = in_part_ - pending_;
    progress_.emplace(stderr, options.terminal, std::move(pending), earlier);
    for (const std::string& what : damaged) progress_->message(fmt::format("{} The trial runs again.", what));
  }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor() {  // after an exception
    for (const Worker& w : workers_) {
      kill(-w.pid, SIGKILL);
      waitpid(w.pid, nullptr, 0);
    }
  }

  SweepEnd run() {
    if (queue_.empty())
      progress_->message("Nothing to run: " + count_text(in_part_, "trial") + ", all with results.");
    go_on();
    const bool gives_up = options_.must_progress && warned_ && !progressed();
    if (gives_up) give_up();
    progress_->clear();
    return gives_up       ? SweepEnd::gave_up
           : failed_fast_ ? SweepEnd::failed_fast
           : stopping_    ? SweepEnd::stopped
                          : SweepEnd::finished;
  }

 private:
  // A trial that was stopped.
  struct Stopped {
    std::size_t trial;
    bool got_further;  // has it a later checkpoint than at its start?
    Index steps;
    double seconds, wall_seconds;
    Descriptor log;
  };

  void go_on() {
    for (;;) {
      start_some();
      if (workers_.empty() && (stopping_ || (queue_.empty() && elsewhere_.empty()))) break;
      wait();
      read_reports();
      stop_if_asked();  // first, so that the end of a stopped worker is not taken for a failure
      reap();
      end_what_is_beyond();
      progress_->tick(steady_seconds());
    }
  }

  // Returns true if a trial has ended, or a stopped one has a later checkpoint.
  bool progressed() const {
    return ended_ > 0 ||
           std::any_of(stopped_.begin(), stopped_.end(), [](const Stopped& s) { return s.got_further; });
  }

  void give_up() {
    for (Stopped& s : stopped_)
      record(s.trial,
             {results::Status::killed,
              fmt::format("the time limit of its job is too short: it was stopped without progress {} after "
                          "it was started again",
                          duration_text(s.seconds)),
              s.steps, s.wall_seconds},
             std::move(s.log));
    go_on();
  }

  bool needs_run(std::size_t i) const {
    return directory_.needs_run(lines_[i].id, options_.retry, options_.complete);
  }

  std::size_t ranks(std::size_t trial) const { return ranks_of(sweep_.trials[trial].config); }

  // Each rank of a trial counts as a job of its own.
  bool has_room_for(std::size_t trial) const {
    std::size_t running = 0;
    for (const Worker& w : workers_) running += ranks(w.trial);
    return running == 0 || running + ranks(trial) <= static_cast<std::size_t>(options_.jobs);
  }

  void start_some() {
    while (!stopping_ && !queue_.empty() && has_room_for(queue_.front())) {
      const std::size_t trial = queue_.front();
      queue_.pop_front();
      if (!start(trial)) elsewhere_.push_back(trial);
    }
    if (!stopping_ && queue_.empty() && workers_.empty() && !elsewhere_.empty()) look_elsewhere();
  }

  // Looks at trials that another process was running: they have ended there, or this process runs them now.
  void look_elsewhere() {
    std::deque<std::size_t> still;
    for (std::size_t trial : std::exchange(elsewhere_, {})) {
      if (!needs_run(trial))
        progress_->dropped(position_[trial]);
      else if (directory_.running(lines_[trial].id))
        still.push_back(trial);
      else
        queue_.push_back(trial);
    }
    elsewhere_ = std::move(still);
    if (!elsewhere_.empty() && !std::exchange(waits_, true))
      progress_->message(
          fmt::format("Waiting for {} that other processes run.", count_text(elsewhere_.size(), "trial")));
  }

  // Starts a trial. Returns false if another process runs it.
  bool start(std::size_t trial) {
    const std::string& id = lines_[trial].id;
    const std::filesystem::path log_path = directory_.log(id);
    Descriptor log(open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
    if (log.get() < 0) fail_to(log_path, "open");
    bool locked = try_lock(log.get(), LOCK_EX, log_path);
    if (!locked) {  // `heed status` has the lock for a moment when it looks
      poll(nullptr, 0, 5);
      locked = try_lock(log.get(), LOCK_EX, log_path);
    }
    if (!locked) return false;
    if (!needs_run(trial)) return true;  // another process has run it in the meantime
    if (ftruncate(log.get(), 0) != 0) fail_to(log_path, "empty");
    results::write_text(directory_.config(id), to_config(sweep_.trials[trial].config).yaml());
    workers_.push_back(start_worker(trial, arguments(trial, std::nullopt), std::move(log), signals_));
    progress_->started(position_[trial], steady_seconds());
    return true;
  }

  // Starts the worker that records why a trial ended. It inherits the lock of the worker that died, so that
  // no other process can take the trial in between.
  void record(std::size_t trial, const Failure& failure, Descriptor log) {
    workers_.push_back(start_worker(trial, arguments(trial, failure), std::move(log), signals_));
    workers_.back().records_failure = true;
  }

  std::vector<std::string> arguments(std::size_t trial, const std::optional<Failure>& failure) const {
    const std::string& id = lines_[trial].id;
    std::vector<std::string> a = {"trial", "--config", directory_.config(id).string()};
    a.insert(a.end(),
             {"--out", directory_.trial(id).string(), "--progress", directory_.progress(id).string()});
    a.insert(a.end(),
             {"--threads", fmt::format("{}", options_.threads), "--jobs",
              fmt::format("{}", side_by_side(trial)), "--index", fmt::format("{}", trial), "--run", run_});
    a.insert(a.end(), {"--report", fmt::format("{}", kReportDescriptor), "--work-done",
                       fmt::format("{}", kWorkDoneDescriptor), "--command", options_.command});
    a.insert(a.end(), {"--checkpoint", directory_.checkpoint(id).string(), "--memory-limit",
                       fmt::format("{:.0f}", sweep_.limits.memory_bytes)});
    if (!options_.task_cache.empty()) a.insert(a.end(), {"--task-cache", options_.task_cache.string()});
    if (options_.keep_checkpoints) a.emplace_back("--keep-checkpoint");
    if (options_.retry || options_.complete) a.emplace_back("--replace");
    if (sweep_.stop && !options_.complete) add_contest(trial, a);
    if (failure) {
      const std::vector<std::string> more = {"--record-failure", failure->reason,
                                             "--status",         results::to_string(failure->status),
                                             "--last-step",      fmt::format("{}", failure->last_step),
                                             "--seconds",        fmt::format("{:.3f}", failure->seconds)};
      a.insert(a.end(), more.begin(), more.end());
    }
    return a;
  }

  // What `heed trial` needs to apply the rule of the sweep.
  void add_contest(std::size_t trial, std::vector<std::string>& arguments) const {
    const Contest contest = contest_of(sweep_.trials[trial].config, *sweep_.stop, sweep_.seeds.front(),
                                       directory_.rungs(), directory_.root() / "trials");
    arguments.insert(arguments.end(),
                     {"--rule", rule_text(contest.rule), "--contest", contest.folder.string()});
    if (!contest.leader.empty()) arguments.insert(arguments.end(), {"--leader", contest.leader.string()});
  }

  // Returns how many trials like this one share the machine: fewer if fewer are left.
  std::size_t side_by_side(std::size_t trial) const {
    const std::size_t most = static_cast<std::size_t>(options_.jobs) / ranks(trial);
    return std::clamp(most, std::size_t{1}, pending_);
  }

  // Waits until a worker has written or died, or it is time to draw again.
  void wait() const {
    std::vector<pollfd> watched = {{signals_.descriptor(), POLLIN, 0}};
    for (const Worker& w : workers_)
      if (w.pipe.get() >= 0) watched.push_back({w.pipe.get(), POLLIN, 0});
    poll(watched.data(), watched.size(), 200);
  }

  void read_reports() {
    for (Worker& w : workers_) read_reports(w);
  }

  void read_reports(Worker& w) {
    const bool advanced = w.read_reports();
    for (const std::string& note : std::exchange(w.notes, {}))
      progress_->message(fmt::format("{}: {}", lines_[w.trial].to_string(), note));
    if (const std::optional<Index> step = std::exchange(w.continues, std::nullopt))
      progress_->message(fmt::format(
          "{} continues after {} of {} training steps{}.", lines_[w.trial].to_string(), *step,
          sweep_.trials[w.trial].config.train.steps,
          w.shorter > 0 ? fmt::format(", which the trial with train.steps={} has done", w.shorter) : ""));
    if (advanced && !w.records_failure) progress_->advanced(position_[w.trial], w.progress);
  }

  void reap() {
    std::vector<std::pair<Worker, int>> dead;
    for (std::size_t i = 0; i < workers_.size();) {
      int status = 0;
      if (waitpid(workers_[i].pid, &status, WNOHANG) != workers_[i].pid) {
        ++i;
        continue;
      }
      kill(-workers_[i].pid, SIGKILL);  // its process group: processes that it has started
      read_reports(workers_[i]);
      dead.emplace_back(std::move(workers_[i]), status);
      workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (auto& [worker, status] : dead) conclude(worker, status);
  }

  void conclude(Worker& w, int status) {
    const std::size_t at = position_[w.trial];
    if (!w.ended.empty()) return ended(at, results::status_from(w.ended), w.reason);
    if (!needs_run(w.trial)) {  // the report was lost, but the trial file is written
      const auto record = results::read_trial_summary(directory_.trial(lines_[w.trial].id));
      return ended(at, record.status, record.reason);
    }
    const bool cannot_write = WIFEXITED(status) && WEXITSTATUS(status) == kInputOutput;
    if (cannot_write || w.records_failure)
      throw results::IoError(directory_.trial(lines_[w.trial].id),
                             w.refused.empty() ? fmt::format("cannot be written; {} has the reason.",
                                                             directory_.log(lines_[w.trial].id).string())
                                               : fmt::format("its process reports: {}", w.refused));
    if (stopping_) {
      stopped_.push_back({w.trial, w.saved > w.began, w.done->steps, steady_seconds() - w.since,
                          w.wall_seconds(), std::move(w.log)});
      return progress_->dropped(at);
    }
    if (was_asked_to_leave(status) && w.beyond.empty() && interruptions_[w.trial]++ < kInterruptions) {
      progress_->dropped(at);
      return queue_.push_front(w.trial);
    }
    Failure failure = failure_of(status);
    if (!w.beyond.empty()) failure = {results::Status::killed, w.beyond};
    failure.last_step = w.done->steps;
    failure.seconds = w.wall_seconds();
    record(w.trial, failure, std::move(w.log));
  }

  void ended(std::size_t at, results::Status status, const std::string& reason) {
    ++ended_;
    progress_->ended(at, status, options_.reasons ? reason : "", steady_seconds());
    const bool as_planned = status == results::Status::done || status == results::Status::stopped;
    if (!options_.fail_fast || as_planned || stopping_) return;
    failed_fast_ = true;
    stop(SIGTERM);
  }

  // Ends workers that exceed the sweep's limits. Workers enforce the limit of memory themselves.
  void end_what_is_beyond() {
    const Limits& limits = sweep_.limits;
    for (Worker& w : workers_) {
      if (w.records_failure || !w.beyond.empty()) continue;
      std::error_code error;
      const std::filesystem::path log = directory_.log(lines_[w.trial].id);
      const auto printed = static_cast<double>(std::filesystem::file_size(log, error));
      if (limits.seconds > 0 && steady_seconds() - w.since > limits.seconds)
        w.beyond = fmt::format("it took longer than {} (limits.time)", duration_text(limits.seconds));
      else if (!error && limits.output_bytes > 0 && printed > limits.output_bytes)
        w.beyond = fmt::format("it printed more than {:.0f} kB (limits.output)", limits.output_bytes / 1000);
      if (w.beyond.empty()) continue;
      kill(-w.pid, SIGKILL);
      if (!error && limits.output_bytes > 0 && printed > limits.output_bytes)
        std::filesystem::resize_file(log, static_cast<std::uintmax_t>(limits.output_bytes), error);
    }
  }

  // Stops the workers with SIGTERM at the first signal, with SIGKILL at the next. A batch system signals a
  // whole group at once, so signals within a second count as one.
  void stop_if_asked() {
    const Signals::Asked signals = signals_.asked();
    const bool asked = signals.to_stop > 0;
    if (!stopping_ && asked) {
      warned_ = signals.by_warning;
      stop(SIGTERM);
      progress_->message("Stopping: finished trials are kept, running ones save a checkpoint.");
    } else if (stopping_ && (steady_seconds() > stop_until_ ||
                             (asked && steady_seconds() > stop_until_ - kSecondsToStop + 1))) {
      stop(SIGKILL);
    }
  }

  void stop(int signal) {
    for (const Worker& w : workers_)
      if (!w.records_failure) kill(-w.pid, signal);
    if (!stopping_) stop_until_ = steady_seconds() + kSecondsToStop;
    stopping_ = true;
  }

  const RunDirectory& directory_;
  const Sweep& sweep_;
  const RunOptions& options_;
  const Signals& signals_;
  const std::string run_;  // identifies this process in the records
  std::vector<PlanLine> lines_;
  std::size_t in_part_ = 0, pending_ = 0;
  std::vector<std::size_t> position_;  // of each trial, its index among the pending ones
  std::deque<std::size_t> queue_, elsewhere_;
  std::vector<Worker> workers_;
  std::optional<Progress> progress_;
  std::map<std::size_t, int> interruptions_;  // of each trial: signals that this process did not send
  std::size_t ended_ = 0;                     // trials that have ended in this process
  std::vector<Stopped> stopped_;
  bool waits_ = false, stopping_ = false, warned_ = false, failed_fast_ = false;
  double stop_until_ = 0;
};

}  // namespace

SweepEnd run_trials(const RunDirectory& directory, const Sweep& sweep, const RunOptions& options,
                    const Signals& signals) {
  open_many_files();
  return Supervisor(directory, sweep, options, signals).run();
}

}  // namespace heed
