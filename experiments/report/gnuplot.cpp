#include "experiments/report/gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "results/atomic_file.h"
#include "results/errors.h"

namespace heed::report {

namespace fs = std::filesystem;

fs::path find_gnuplot() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path file = fs::path(folder.empty() ? "." : folder) / "gnuplot";
    if (fs::is_regular_file(file) && access(file.c_str(), X_OK) == 0) return fs::absolute(file);
  }
  return {};
}

std::string run_gnuplot(const fs::path& gnuplot, const fs::path& folder, const std::string& commands) {
  const fs::path script = folder / "all.gp", complaints = folder / "gnuplot.log";
  results::write_file(script, std::as_bytes(std::span(commands)), results::IfExists::replace);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, complaints.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  // -d: neither the system's nor the user's settings, which would change the look.
  std::string words[] = {gnuplot.string(), "-d", script.filename().string()};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t child = 0;
  const int started = posix_spawn(&child, gnuplot.c_str(), &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (started != 0)
    throw results::IoError(gnuplot, "cannot be started: " + std::generic_category().message(started));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  std::string said;
  for (const std::byte b : results::read_file(complaints)) said += static_cast<char>(b);
  fs::remove(script);
  fs::remove(complaints);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  return said.empty() ? "gnuplot ended without a word" : said;
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
