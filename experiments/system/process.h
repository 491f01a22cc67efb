// Processes as the system gives them: descriptors, signals, starting programs.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "results/descriptor.h"

namespace heed {

constexpr int kReportDescriptor = 3;    // where a worker finds the pipe to its supervisor
constexpr int kWorkDoneDescriptor = 4;  // and the page of experiments/run/work_done.h

std::string signal_text(int signal);  // "signal 9 (SIGKILL)"

using results::Descriptor;

// Raises the limit of open files to the system's maximum: each worker needs three.
void open_many_files();

// A signal asked the program to stop (kStopped).
class Stopped : public Error {
 public:
  using Error::Error;
};

// During its lifetime, signals that ask to stop are read from a descriptor instead of interrupting the
// process. Signals that were ignored before (nohup) stay ignored. A signal that arrives when nothing is
// left to stop is dropped. SIGPIPE is ignored, so a closed pipe is a write error.
class Signals {
 public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  int descriptor() const { return fd_.get(); }
  void restore() const;  // restores the previous state; safe after fork
  struct Asked {
    int to_stop = 0;          // number of received signals that ask to stop
    bool by_warning = false;  // SIGUSR1 was among them: a batch system's warning before its time limit
  };
  Asked asked() const;

 private:
  sigset_t before_{};
  struct sigaction pipe_before_ {};
  Descriptor fd_;
};

// Starts a program with these arguments (the first is its name), with standard output and error in `log`.
// `pipe` becomes its kReportDescriptor and `page`, unless negative, its kWorkDoneDescriptor. It receives
// `signal_at_end` when this process ends.
pid_t spawn(const std::string& program, const std::vector<std::string>& arguments, int log, int pipe,
            int page, const Signals& signals, int signal_at_end = SIGKILL);

// How a process ended that run_apart started.
struct EndedProcess {
  int status = 0;  // from waitpid
  std::string output;
  bool stopped = false;   // a signal asked to stop
  bool too_long = false;  // it took longer than allowed
};

// Starts a program and waits for it. `output` is what it writes to its kReportDescriptor, and,
// unless it is `quiet`, to standard output and error. A signal that asks to stop is passed on to it, and a
// second one kills it. With a limit of `seconds` (0: none) it is killed when they have passed, at the first
// signal, and when it has closed its output and does not end.
EndedProcess run_apart(const std::string& program, const std::vector<std::string>& arguments,
                       const Signals& signals, bool quiet = false, double seconds = 0);

}  // namespace heed
