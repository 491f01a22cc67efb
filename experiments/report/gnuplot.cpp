#include "experiments/report/gnuplot.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "experiments/system/files.h"
#include "results/atomic_file.h"
#include "results/errors.h"

namespace heed::report {

namespace fs = std::filesystem;

namespace {

constexpr const char* kScript = "all.gp";
constexpr const char* kLog = "gnuplot.log";

// Starts gnuplot in a folder, where it runs the script and writes to the log. It does not outlive this
// process.
pid_t start(const fs::path& gnuplot, const fs::path& folder, const Signals& signals) {
  // -d: ignore the system's and the user's settings, which would change the look.
  std::string words[] = {gnuplot.string(), "-d", kScript};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  const pid_t parent = getpid(), pid = fork();
  if (pid < 0) fail_to("fork", "start gnuplot");
  if (pid > 0) return pid;
  // In the child, until exec: only calls that are safe after fork.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent || chdir(folder.c_str()) != 0) _exit(1);
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(nothing, 0);
  dup2(nothing, 1);
  dup2(open(kLog, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), 2);
  signals.restore();
  execv(argv[0], argv);
  for (const char* part : {static_cast<const char*>(argv[0]), " cannot be started: ", strerrordesc_np(errno)})
    if (write(2, part, strlen(part)) < 0) break;
  _exit(1);
}

// Waits for the process and returns its status from waitpid.
int wait_for(pid_t pid, const Signals& signals) {
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) != pid) {
    pollfd watched = {signals.descriptor(), POLLIN, 0};  // its end (SIGCHLD) is a signal too
    poll(&watched, 1, -1);
    if (signals.asked().to_stop == 0) continue;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    throw Stopped("Stopped: the report was not written.");
  }
  return status;
}

std::string text_of(const fs::path& file, std::size_t most) {
  const std::vector<std::byte> bytes = results::read_end(file, most);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string trimmed(const std::string& text) { return text.substr(0, text.find_last_not_of(" \n") + 1); }

// Returns true if the file has the end of its format.
bool is_whole(const fs::path& file) {
  static const std::map<std::string, std::string> kEnds = {
      {".svg", "</svg>"}, {".pdf", "%%EOF"}, {".png", "IEND\xAE\x42\x60\x82"}};
  return fs::exists(file) && trimmed(text_of(file, 16)).ends_with(kEnds.at(file.extension().string()));
}

std::string complaint_of(const fs::path& folder, int status, const std::vector<std::string>& missing) {
  if (status == 0 && missing.empty()) return "";
  const std::string said = trimmed(text_of(folder / kLog, 10'000));
  return (WIFSIGNALED(status) ? fmt::format("gnuplot was ended by {}.", signal_text(WTERMSIG(status)))
          : status != 0       ? fmt::format("gnuplot ended with exit code {}.", WEXITSTATUS(status))
                        : fmt::format("gnuplot left {} incomplete in {}: is that disk full?", missing[0],
                                      folder.string())) +
         (said.empty() ? "" : " Its message:  " + said);
}

std::string run_or_throw(const fs::path& gnuplot, const fs::path& folder, const Plots& plots,
                         const Signals& signals) {
  for (const std::string& file : plots.files)
    fs::remove(folder / file);  // so that an older file is not mistaken for a new one
  const std::string& commands = plots.commands;
  results::write_file(folder / kScript, std::as_bytes(std::span(commands)), results::IfExists::replace);
  const int status = wait_for(start(gnuplot, folder, signals), signals);
  std::vector<std::string> missing;
  for (const std::string& file : plots.files)
    if (!is_whole(folder / file)) missing.push_back(file);
  for (const std::string& file : missing) fs::remove(folder / file);
  std::string complaint = complaint_of(folder, status, missing);
  fs::remove(folder / kScript);
  fs::remove(folder / kLog);
  return complaint;
}

}  // namespace

fs::path find_gnuplot() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path file = fs::path(folder.empty() ? "." : folder) / "gnuplot";
    std::error_code closed;  // an unreadable folder has none
    if (fs::is_regular_file(file, closed) && access(file.c_str(), X_OK) == 0) return fs::absolute(file);
  }
  return {};
}

std::string run_gnuplot(const fs::path& gnuplot, const fs::path& folder, const Plots& plots,
                        const Signals& signals) {
  try {
    return run_or_throw(gnuplot, folder, plots, signals);
  } catch (const results::IoError& e) {
    return e.what();
  } catch (const fs::filesystem_error& e) {
    return e.what();
  }
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out + '\'';
}

std::string plot(const std::vector<std::string>& elements) {
  return fmt::format("plot {}\n", fmt::join(elements, ", \\\n     "));
}

}  // namespace heed::report
