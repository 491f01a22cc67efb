#include "experiments/system/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "results/errors.h"

namespace heed {

void fail_to(const std::filesystem::path& path, const char* doing) {
  throw results::IoError(path, fmt::format("cannot {}: {}", doing, std::generic_category().message(errno)));
}

void check_writable(const std::filesystem::path& path) {
  std::error_code none;
  if (std::filesystem::is_directory(path, none))
    throw results::IoError(path, "is a folder; give the name of a file.");
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!std::filesystem::is_directory(folder, none))
    throw results::IoError(
        path, fmt::format("cannot be written: there is no folder '{}'. Make it first.", folder.string()));
  if (access(folder.c_str(), W_OK | X_OK) != 0) fail_to(path, "write");
}

void refuse_to_replace(const std::filesystem::path& path, const std::string& what,
                       const std::function<bool()>& is_ours) {
  check_writable(path);
  std::error_code none;
  if (!std::filesystem::exists(path, none) || std::filesystem::is_empty(path, none) || is_ours()) return;
  throw results::IoError(path, fmt::format("exists and is no {} of heed; nothing was written.", what));
}

void refuse_existing(const std::filesystem::path& path) {
  check_writable(path);
  std::error_code none;
  if (std::filesystem::exists(path, none) && !std::filesystem::is_empty(path, none))
    throw results::IoError(path, "exists and is not replaced. Remove it, or give another name.");
}

void make_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw results::IoError(path, "cannot make the folder: " + error.message());
}

std::filesystem::path find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::filesystem::path file = std::filesystem::path(folder.empty() ? "." : folder) / name;
    std::error_code closed;  // an unreadable folder has none
    if (std::filesystem::is_regular_file(file, closed) && access(file.c_str(), X_OK) == 0)
      return std::filesystem::absolute(file);
  }
  return {};
}

namespace {

// flock, repeated if a signal interrupts it. Returns false if LOCK_NB finds that another process has the
// lock.
bool lock(int fd, int operation, const std::filesystem::path& path) {
  while (flock(fd, operation) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return false;
    throw results::IoError(
        path,
        fmt::format("cannot be locked: {}. By locks the processes that share a run directory know which "
                    "trials run. Mount the file system with them (Lustre: -o flock), or choose a run "
                    "directory on another one with -o DIR.",
                    std::generic_category().message(errno)));
  }
  return true;
}

}  // namespace

bool try_lock(int fd, int operation, const std::filesystem::path& path) {
  return lock(fd, operation | LOCK_NB, path);
}

FileLock::FileLock(const std::filesystem::path& path)
    : fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666)) {
  if (fd_.get() < 0) fail_to(path, "open");
  lock(fd_.get(), LOCK_EX, path);
}

}  // namespace heed
