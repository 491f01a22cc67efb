#include "experiments/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "results/errors.h"

namespace heed {

void fail_to(const std::filesystem::path& path, const char* doing) {
  throw results::IoError(path, fmt::format("cannot {}: {}", doing, std::generic_category().message(errno)));
}

Signals::Signals() {
  sigemptyset(&set_);
  for (int s : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD}) sigaddset(&set_, s);
  sigprocmask(SIG_BLOCK, &set_, &before_);
  fd_ = Descriptor(signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK));
  if (fd_.get() < 0) fail_to("signalfd", "open");
}

Signals::~Signals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

int Signals::stops() const {
  signalfd_siginfo info{};
  int stops = 0;
  while (read(fd_.get(), &info, sizeof info) == sizeof info) stops += info.ssi_signo != SIGCHLD;
  return stops;
}

pid_t spawn(const std::vector<std::string>& arguments, int log, int pipe, const sigset_t& signals) {
  std::vector<char*> argv;
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) {
    close(nothing);
    if (pid < 0) fail_to("fork", "start a worker");
    return pid;
  }
  // In the child, until exec: only calls that are safe after fork.
  setpgid(0, 0);  // Ctrl-C reaches the supervisor alone, which stops its workers
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  dup2(nothing, 0);
  dup2(log, 1);
  dup2(log, 2);
  if (pipe == kReportDescriptor)
    fcntl(pipe, F_SETFD, 0);
  else
    dup2(pipe, kReportDescriptor);
  sigprocmask(SIG_SETMASK, &signals, nullptr);
  execv("/proc/self/exe", argv.data());
  _exit(127);
}

}  // namespace heed
