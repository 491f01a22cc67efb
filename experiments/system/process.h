// Processes as the system gives them: descriptors, signals, starting this program again.
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

// As many files may be open in this process as the system lets it have: a worker takes three.
void open_many_files();

// Somebody asked to stop (exit code 75).
class Stopped : public Error {
 public:
  using Error::Error;
};

// While it lives, the signals that ask to stop arrive as bytes of a descriptor instead of interrupting
// anything; but for those that were ignored before (nohup), which stay so. One that asks to stop when there
// is nothing left to be stopped is forgotten. SIGPIPE is ignored: a reader that is gone is an error of a
// write.
class Signals {
 public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  int descriptor() const { return fd_.get(); }
  void restore() const;  // as it was before; safe after fork
  struct Asked {
    int to_stop = 0;          // how many of the signals that have come do
    bool by_warning = false;  // SIGUSR1 was among them: a batch system's, before its time limit
  };
  Asked asked() const;

 private:
  sigset_t before_{};
  struct sigaction pipe_before_ {};
  Descriptor fd_;
};

// Starts this program again with other arguments: standard output and error to `log`. `pipe` is its
// kReportDescriptor and `page`, where it is not negative, its kWorkDoneDescriptor.
pid_t spawn(const std::vector<std::string>& arguments, int log, int pipe, int page, const Signals& signals);

// Starts this program again and waits for it. What it prints, on whichever stream, comes out on our standard
// error when it has ended. Nothing where a signal asked to stop, which asks it too, and a second one kills
// it; else what waitpid says.
std::optional<int> run_again(const std::vector<std::string>& arguments, const Signals& signals);

}  // namespace heed
