#include "experiments/run/worker_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "experiments/system/clock.h"
#include "experiments/system/exit_codes.h"
#include "experiments/system/files.h"
#include "experiments/system/this_program.h"

namespace heed {

bool Worker::read_reports() {
  char bytes[4096];
  for (;;) {
    const ssize_t n = pipe.get() < 0 ? 0 : read(pipe.get(), bytes, sizeof bytes);
    if (n == 0) pipe = Descriptor();  // end of file: the worker ends
    if (n <= 0) break;
    unread.append(bytes, static_cast<std::size_t>(n));
  }
  bool advanced = false;
  for (std::size_t end; (end = unread.find('\n')) != std::string::npos; unread.erase(0, end + 1)) {
    const WorkerReport report = read_report(unread.substr(0, end));
    if (!report.ended.empty()) ended = report.ended, reason = report.reason;
    if (!report.refused.empty()) refused = report.refused;
    if (report.continues) continues = report.continues, began = *report.continues, shorter = report.shorter;
    if (report.saved) saved = *report.saved;
    if (!report.note.empty()) notes.push_back(report.note);
    if (report.progress) progress = *report.progress, advanced = true;
  }
  if (pipe.get() < 0) {  // the last report may be older than the last step
    progress.step = done->steps;
    advanced = true;
  }
  return advanced;
}

Worker start_worker(std::size_t trial, const std::vector<std::string>& arguments, Descriptor log,
                    const Signals& signals) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail_to("pipe", "open");
  Descriptor read_end(ends[0]);
  const Descriptor write_end(ends[1]);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  SharedWorkDone done;
  const pid_t pid = spawn(kThisProgram, this_program_with(arguments), log.get(), write_end.get(),
                          done.descriptor(), signals);
  return {trial, pid, std::move(read_end), std::move(log), std::move(done), steady_seconds()};
}

Failure failure_of(int wait_status) {
  if (WIFEXITED(wait_status))
    return {results::Status::failed,
            fmt::format("it ended with exit code {} before it had a result", WEXITSTATUS(wait_status))};
  const int signal = WTERMSIG(wait_status);
  const bool from_outside = signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP;
  return {
      from_outside ? results::Status::killed : results::Status::failed,
      signal_text(signal) + (signal == SIGKILL ? ": from outside, or the machine ran out of memory" : "")};
}

bool was_asked_to_leave(int wait_status) {
  if (WIFEXITED(wait_status)) return WEXITSTATUS(wait_status) == kStopped;
  const int signal = WTERMSIG(wait_status);
  return signal == SIGTERM || signal == SIGINT || signal == SIGUSR1;
}

}  // namespace heed
