#include "tests/experiments/cli/program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/paths.h"

namespace heed::test {

Program::Program(const std::filesystem::path& folder, const std::vector<std::string>& words)
    : Program(folder, program(), words) {}

Program::Program(const std::filesystem::path& folder, const std::filesystem::path& executable,
                 const std::vector<std::string>& words) {
  static int runs = 0;
  const std::string name = "run" + std::to_string(++runs);
  out_ = folder / (name + ".out");
  err_ = folder / (name + ".err");
  std::vector<std::string> all = {executable.string()};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& w : all) argv.push_back(w.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ > 0) return;
  const int out = open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err = open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (out < 0 || err < 0 || chdir(folder.c_str()) != 0) _exit(126);
  dup2(out, 1);
  dup2(err, 2);
  // Who runs the tests in the background may ignore them.
  for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE}) std::signal(s, SIG_DFL);
  setenv("heed", program().c_str(), 1);
  execv(argv[0], argv.data());
  _exit(127);
}

Program::~Program() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::vector<pid_t> Program::children() const {
  const std::string id = std::to_string(pid_);
  std::istringstream in(read_file("/proc/" + id + "/task/" + id + "/children"));
  return {std::istream_iterator<pid_t>(in), {}};
}

void Program::signal(int signal) const { kill(pid_, signal); }

bool Program::ended() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid_;
}

Ended Program::wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out_), read_file(err_)};
}

Ended heed(const std::filesystem::path& folder, const std::vector<std::string>& words) {
  return Program(folder, words).wait();
}

Ended shell(const std::filesystem::path& folder, const std::string& script) {
  return Program(folder, "/bin/sh", {"-c", script}).wait();
}

bool alive(pid_t pid) { return kill(pid, 0) == 0; }

void write_file(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

}  // namespace heed::test
