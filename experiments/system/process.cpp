#include "experiments/system/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "experiments/system/clock.h"
#include "experiments/system/files.h"

namespace heed {
namespace {

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

std::string signal_text(int signal) {
  const char* name = sigabbrev_np(signal);
  return fmt::format("signal {} (SIG{})", signal, name ? name : "?");
}

void open_many_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGUSR1})
    if (!is_ignored(s)) sigaddset(&set, s);
  fd_ = Descriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (fd_.get() < 0) fail_to("signalfd", "open");
  sigprocmask(SIG_BLOCK, &set, &before_);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &pipe_before_);
}

Signals::~Signals() {
  asked();
  restore();
}

void Signals::restore() const {
  sigaction(SIGPIPE, &pipe_before_, nullptr);
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

Signals::Asked Signals::asked() const {
  signalfd_siginfo info{};
  Asked asked;
  while (read(fd_.get(), &info, sizeof info) == sizeof info) {
    asked.to_stop += info.ssi_signo != SIGCHLD;
    asked.by_warning |= info.ssi_signo == SIGUSR1;
  }
  return asked;
}

pid_t spawn(const std::string& program, const std::vector<std::string>& arguments, int log, int pipe,
            int page, const Signals& signals, int signal_at_end) {
  std::vector<char*> argv;
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) {
    close(nothing);
    if (pid < 0) fail_to("fork", "start a process");
    setpgid(pid, pid);  // here as well, so that it holds whichever of the two goes first
    return pid;
  }
  // In the child, until exec: only calls that are safe after fork.
  setpgid(0, 0);  // so that Ctrl-C reaches only the supervisor, which stops its workers
  prctl(PR_SET_PDEATHSIG, signal_at_end);
  if (getppid() != parent) _exit(1);
  dup2(nothing, 0);
  dup2(log, 1);
  dup2(log, 2);
  // Out of the way of each other first: one may have the other's number.
  pipe = fcntl(pipe, F_DUPFD_CLOEXEC, kWorkDoneDescriptor + 1);
  if (page >= 0) page = fcntl(page, F_DUPFD_CLOEXEC, kWorkDoneDescriptor + 1);
  dup2(pipe, kReportDescriptor);
  if (page >= 0) dup2(page, kWorkDoneDescriptor);
  signals.restore();
  execv(program.c_str(), argv.data());
  for (const char* part : {static_cast<const char*>(argv[0]), " cannot be started: ", strerrordesc_np(errno)})
    if (write(STDERR_FILENO, part, strlen(part)) < 0) break;
  _exit(127);
}

EndedProcess run_apart(const std::string& program, const std::vector<std::string>& arguments,
                       const Signals& signals, bool quiet, double seconds) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail_to("pipe", "open");
  const Descriptor from(ends[0]), nothing(open("/dev/null", O_WRONLY | O_CLOEXEC));
  Descriptor to(ends[1]);
  const pid_t pid = spawn(program, arguments, quiet ? nothing.get() : to.get(), to.get(), -1, signals);
  to = Descriptor();  // else the pipe never ends
  EndedProcess ended;
  const double begin = steady_seconds();
  const bool limited = seconds > 0;
  for (ssize_t n = 1; n != 0 && !ended.too_long && !(limited && ended.stopped);) {
    std::array<pollfd, 2> watched = {{{signals.descriptor(), POLLIN, 0}, {from.get(), POLLIN, 0}}};
    if (poll(watched.data(), watched.size(), limited ? 200 : -1) < 0) continue;
    if (watched[0].revents && signals.asked().to_stop > 0) {
      kill(-pid, ended.stopped || limited ? SIGKILL : SIGTERM);
      kill(-pid, SIGCONT);  // a stopped process would not receive the signal
      ended.stopped = true;
    }
    std::array<char, 4096> bytes{};
    if (watched[1].revents && (n = read(from.get(), bytes.data(), bytes.size())) > 0)
      ended.output.append(bytes.data(), static_cast<std::size_t>(n));
    ended.too_long = limited && steady_seconds() - begin > seconds;
  }
  // It has closed its output or must end. Whatever it still does, its answer is here.
  for (int i = 0; limited && i < 100 && !ended.too_long && waitpid(pid, &ended.status, WNOHANG) != pid; ++i)
    poll(nullptr, 0, 10);
  if (limited) kill(-pid, SIGKILL);  // also what it has started itself
  while (waitpid(pid, &ended.status, 0) < 0 && errno == EINTR) continue;
  return ended;
}

}  // namespace heed
