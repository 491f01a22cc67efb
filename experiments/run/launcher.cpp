#include "experiments/run/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "experiments/ranks/launch.h"
#include "experiments/ranks/mpi_ranks.h"
#include "experiments/ranks/rank_output.h"
#include "experiments/run/worker_process.h"
#include "experiments/system/clock.h"
#include "experiments/system/exit_codes.h"
#include "experiments/system/files.h"
#include "experiments/system/scratch_folder.h"
#include "experiments/system/this_program.h"
#include "results/errors.h"
#include "results/host_name.h"
#include "results/trial_file.h"

namespace heed {
namespace {

class Launch {
 public:
  explicit Launch(const WorkerOptions& options)
      : options_(options),
        done_(options.done ? *options.done : own_),
        ranks_(static_cast<int>(options.trial.train.context_parallel)),
        scratch_("ranks", memory_folder()) {}

  int run() {
    start();
    while (!ended()) {
      std::array<pollfd, 2> watched = {{{signals_.descriptor(), POLLIN, 0}, {pipe_.get(), POLLIN, 0}}};
      poll(watched.data(), watched.size(), -1);
      read_output(100);
      end_with_first_rank();
      pass_on_signals();
    }
    read_output(1'000'000);
    print(output_.rest());
    return conclude();
  }

 private:
  void start() {
    std::vector<std::string> words = launch_words(ranks_, options_.threads, scratch_.path());
    const std::vector<std::string> own = command_line();
    words.push_back(std::filesystem::read_symlink(kThisProgram).string());
    words.insert(words.end(), own.begin() + 1, own.end());
    words.insert(words.end(), {"--rank-of", to_string(Launcher{getpid(), results::host_name(), mark_})});
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail_to("pipe", "open");
    pipe_ = Descriptor(ends[0]);
    const Descriptor to(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    // If this process is killed, mpirun is asked to end: it then removes its files, too.
    pid_ = spawn(words[0], words, to.get(), to.get(), -1, signals_, SIGTERM);
  }

  bool ended() { return waitpid(pid_, &status_, WNOHANG) == pid_; }

  // Reads what the ranks have printed: at most so many times, so that a flood does not hide a signal.
  void read_output(int most) {
    char bytes[4096];
    for (int i = 0; i < most && pipe_.get() >= 0; ++i) {
      const ssize_t n = read(pipe_.get(), bytes, sizeof bytes);
      if (n == 0) pipe_ = Descriptor();  // else poll would always return at once
      if (n <= 0) break;
      print(output_.take({bytes, static_cast<std::size_t>(n)}));
      for (const RankReport& report : output_.reports()) take(report);
    }
  }

  static void print(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t n = write(STDOUT_FILENO, text.data() + at, text.size() - at);
      if (n < 0 && errno != EINTR) return;  // a full disk: the log is cut
      if (n > 0) at += static_cast<std::size_t>(n);
    }
  }

  void take(const RankReport& report) {
    const auto after = [&](std::string_view word) {
      return report.text.starts_with(word) ? report.text.substr(word.size()) : std::string();
    };
    if (const std::string why = after("failed "); !why.empty()) {
      if (failed_.empty()) failed_ = fmt::format("rank {}: {}", report.rank, why);
    } else if (const std::string lost = after("lost "); !lost.empty()) {
      if (lost_.empty()) lost_ = lost;
    } else if (const std::string here = after("here "); !here.empty()) {
      std::istringstream in(here);
      pid_t pid = 0;
      std::string host;
      if (in >> pid >> host && host == results::host_name()) rank_pids_.push_back(pid);
    } else if (report.rank == 0) {
      // A rank on this host writes them by itself, and is further by now.
      done_.steps = std::max(done_.steps.load(), report.steps);
      done_.earlier_seconds = std::max(done_.earlier_seconds.load(), report.earlier_seconds);
      const WorkerReport meaning = read_report(report.text);
      if (report.text == "left") left_ = true;
      if (!meaning.ended.empty()) result_ = results::status_from(meaning.ended);
      refused_ |= !meaning.refused.empty();
      send_report(options_, report.text);
    }
  }

  // srun asks the other ranks to end, and waits long for ranks that wait for the dead one.
  void end_with_first_rank() {
    if (!output_.first_end()) return;
    for (const pid_t pid : std::exchange(rank_pids_, {})) kill(pid, SIGKILL);
  }

  // mpirun passes on SIGUSR1 to the ranks. At SIGTERM it would kill them.
  void pass_on_signals() {
    if (signals_.asked().to_stop == 0) return;
    const bool first = !std::exchange(asked_, true);
    kill(pid_, !first ? SIGKILL : options_.checkpoint.empty() ? SIGTERM : SIGUSR1);
  }

  int conclude() {
    if (!result_ && !refused_) look_for_result();
    if (result_)
      return *result_ == results::Status::done || *result_ == results::Status::stopped ? kDone : kSomeFailed;
    if (refused_) return kInputOutput;
    if (asked_ || (left_ && status_ == 0)) return kStopped;
    Failure failure = why();
    failure.last_step = done_.steps;
    failure.seconds = done_.earlier_seconds + steady_seconds() - begin_;
    fmt::print("{}\n", failure.reason);
    record_failure(options_, failure);
    return kSomeFailed;
  }

  // The report may be lost although the trial file is written.
  void look_for_result() {
    if (options_.out.empty() || options_.replace || !std::filesystem::exists(options_.out)) return;
    try {
      result_ = results::read_outcome(options_.out).status;
    } catch (const results::DamagedFile&) {
      return;
    }
  }

  Failure why() const {
    if (!failed_.empty()) return {results::Status::failed, failed_};
    if (const std::string& text = output_.start_failure(); !text.empty())
      return {results::Status::failed, "srun could not start the ranks: " + text};
    if (const auto& end = output_.first_end()) {
      Failure failure = failure_of(W_EXITCODE(end->exit_code, end->signal));
      failure.reason = fmt::format("rank {}: {}", end->rank, failure.reason);
      return failure;
    }
    if (!lost_.empty()) return {results::Status::failed, lost_};
    Failure failure = failure_of(status_);
    failure.reason = fmt::format("{}, which started {} ranks: {}. The log has its message",
                                 launcher_program().filename().string(), ranks_, failure.reason);
    return failure;
  }

  const WorkerOptions& options_;
  WorkDone own_;
  WorkDone& done_;
  const int ranks_;
  const double begin_ = steady_seconds();
  const std::string mark_ = new_mark();
  const ScratchFolder scratch_;
  const Signals signals_;
  RankOutput output_{mark_};
  Descriptor pipe_;
  pid_t pid_ = 0;
  std::vector<pid_t> rank_pids_;  // on this host
  int status_ = 0;
  std::string failed_, lost_;              // why a rank failed, or that it has lost another one
  std::optional<results::Status> result_;  // of the trial file that rank 0 has written
  bool refused_ = false;                   // it could not be written
  bool asked_ = false, left_ = false;      // to stop
};

}  // namespace

int launch(const WorkerOptions& options) {
  if (const std::string why = why_no_ranks(); !why.empty()) {
    record_failure(options, {results::Status::failed, why});
    return kSomeFailed;
  }
  if (const auto record = stopped_before_start(options)) return kDone;
  return Launch(options).run();
}

}  // namespace heed
