// One rank of a trial.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <sstream>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "core/abbreviate.h"
#include "core/plugin_host.h"
#include "experiments/ranks/lost_rank.h"
#include "experiments/ranks/mpi_ranks.h"
#include "experiments/run/launcher.h"
#include "experiments/system/exit_codes.h"
#include "experiments/train/training.h"
#include "results/errors.h"
#include "results/host_name.h"

namespace heed {
namespace {

using namespace std::chrono_literals;

// Kills this process when the launcher has ended, if it is on this host. mpirun or srun would do so later, or
// not at all if they are killed, too.
void end_with(const Launcher& launcher) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (launcher.host != results::host_name()) return;
  const int watched = static_cast<int>(syscall(SYS_pidfd_open, launcher.pid, 0));
  if (watched < 0) {
    if (errno == ESRCH) raise(SIGKILL);
    return;  // an old kernel
  }
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);  // signals are for the thread that trains
  std::thread([watched] {
    pollfd end{watched, POLLIN, 0};
    while (poll(&end, 1, -1) != 1) continue;
    kill(getpid(), SIGKILL);
  }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// Trains without any bookkeeping, which is for rank 0.
void assist(const WorkerOptions& options, Registry& registry) {
  limit_memory(options.memory_bytes);
  for (const PluginOrigin& plugin : options.trial.plugins) load_plugin(plugin, registry);
  run_trial(options.trial, registry, options.threads, TrainHooks{}, options.communicator);
  limit_memory(0);
}

// Returns true if all ranks have reached the end. Throws what has happened to this one.
bool trained(const WorkerOptions& options, Registry& registry,
             const std::function<void(const results::Record&)>& print) {
  if (options.communicator->rank() > 0) {
    assist(options, registry);
    return true;
  }
  const std::optional<results::Record> record = work(options, registry);
  if (!record) send_report(options, "left");
  if (record) print(*record);
  if (record && options.out.empty())  // nobody has reported it
    send_report(options, fmt::format("ended {} {}", results::to_string(record->status), record->reason));
  return !record || record->status != results::Status::failed;
}

}  // namespace

std::string to_string(const Launcher& launcher) {
  return fmt::format("{} {} {}", launcher.pid, launcher.host, launcher.mark);
}

Launcher launcher_from(const std::string& text) {
  std::istringstream in(text);
  Launcher launcher;
  if (!(in >> launcher.pid >> launcher.host) || in.get() != ' ')
    throw Error(fmt::format("'{}' names no launcher of ranks.", text));
  std::getline(in, launcher.mark);
  return launcher;
}

std::optional<SharedWorkDone> work_done_of(const Launcher& launcher, int descriptor) {
  if (launcher.host != results::host_name()) return std::nullopt;
  const std::string path = fmt::format("/proc/{}/fd/{}", launcher.pid, descriptor);
  results::Descriptor page(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (page.get() < 0) return std::nullopt;
  return SharedWorkDone(std::move(page));
}

int work_as_rank(WorkerOptions options, const Launcher& launcher, Registry& registry,
                 const std::function<void(const results::Record&)>& print) {
  end_with(launcher);
  if (!options.checkpoint.empty()) leave_when_asked();
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  WorkDone own;
  if (!options.done) options.done = &own;
  options.report_to = STDOUT_FILENO;
  options.mark = launcher.mark;
  std::optional<MpiRanks> ranks;
  std::string why;
  int code = kSomeFailed;
  try {
    ranks.emplace(static_cast<int>(options.trial.train.context_parallel));
    options.communicator = &ranks->communicator();
    send_report(options, fmt::format("here {} {}", getpid(), results::host_name()));
    if (trained(options, registry, print)) {
      std::fflush(stdout);
      ranks->finish();
      return kDone;
    }
  } catch (const LostRank& e) {
    std::this_thread::sleep_for(2s);  // most often this process is ended before
    why = fmt::format("lost {}", e.what());
  } catch (const results::IoError& e) {  // it has been reported
    code = kInputOutput;
    why = fmt::format("failed {}", e.what());
  } catch (...) {
    limit_memory(0);
    why = "failed " + abbreviated(reason_of_exception(options));
  }
  std::fflush(stdout);
  if (!why.empty()) send_report(options, why);
  if (!ranks) return code;
  // The end of this rank ends the others. Rank 0 may have the same reason, and may be writing it down.
  if (options.communicator->rank() > 0) std::this_thread::sleep_for(300ms);
  MpiRanks::abort(code);
}

}  // namespace heed
