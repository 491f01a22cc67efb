#include "results/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <limits>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "results/descriptor.h"
#include "results/errors.h"
#include "results/host_name.h"

namespace heed::results {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const char* doing, int error) {
  throw IoError(path, fmt::format("cannot {}: {}", doing, std::generic_category().message(error)));
}

// Repeats a system call that a signal interrupted, and throws if it fails.
template <class Call>
auto checked(const fs::path& path, const char* doing, Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0) return result;
    if (errno != EINTR) fail(path, doing, errno);
  }
}

// Closes the descriptor and reports an error, which a destructor could not.
void close_checked(Descriptor& file, const fs::path& path) {
  // Not repeated after EINTR: Linux has closed the descriptor by then, and another thread may own its number.
  if (::close(file.release()) != 0 && errno != EINTR) fail(path, "close", errno);
}

constexpr std::string_view kTemporaryMark = ".tmp.";

// A temporary file, locked during its lifetime. The lock shows other processes that this one is alive.
struct Temporary {
  std::string name;
  Descriptor file,
      lock;  // two descriptors of one open file, so that it can be closed for writing and stay locked
};

// Creates a temporary file. Returns nullopt if the name is used by a killed process with our pid or by
// another of our threads.
Temporary create_temporary(const fs::path& path) {
  const std::string first = fmt::format("{}{}{}.{}", path.string(), kTemporaryMark, host_name(), ::getpid());
  for (int attempt = 0;; ++attempt) {
    std::string name = attempt == 0 ? first : fmt::format("{}.{}", first, attempt);
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
      if (errno != EINTR && (errno != EEXIST || attempt >= 100))
        fail(path, "create a temporary file beside it", errno);
      continue;
    }
    Temporary made{std::move(name), Descriptor(fd), Descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 0))};
    if (made.lock.get() < 0) fail(path, "create a temporary file beside it", errno);
    // On a file system without locks, remove_leftovers gets none either and removes nothing. If
    // remove_leftovers holds the lock or has removed the file, it was faster: try another name.
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) continue;
    struct stat status {};
    if (::fstat(fd, &status) != 0 || status.st_nlink > 0) return made;
  }
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Returns the suffix "<host>.<pid>", with ".<attempt>" if that name was used.
bool is_of_host(std::string_view owner, const std::string& host) {
  if (!owner.starts_with(host + '.')) return false;
  owner.remove_prefix(host.size() + 1);
  const std::size_t dot = owner.find('.');
  return is_number(owner.substr(0, dot)) && (dot == owner.npos || is_number(owner.substr(dot + 1)));
}

// Returns true if the name still refers to the open file.
bool names(const std::string& name, int fd) {
  struct stat of_name {
  }, of_file{};
  return ::stat(name.c_str(), &of_name) == 0 && ::fstat(fd, &of_file) == 0 &&
         of_name.st_dev == of_file.st_dev && of_name.st_ino == of_file.st_ino;
}

// Removes the file if no process writes it any more. Returns true if it did.
bool remove_if_left(const fs::path& path) {
  const std::string name = path.string(), base = path.filename().string();
  const std::size_t mark = base.rfind(kTemporaryMark);
  if (mark == std::string::npos) return false;
  const std::string_view owner = std::string_view(base).substr(mark + kTemporaryMark.size());
  if (owner.find('.') == owner.npos || !is_number(owner.substr(owner.rfind('.') + 1))) return false;
  const Descriptor fd(
      ::open(name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));  // for writing: NFS locks only such files
  if (fd.get() < 0 || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return false;
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return false;
  const auto age = std::chrono::system_clock::now() - std::chrono::system_clock::from_time_t(status.st_mtime);
  if (!is_of_host(owner, host_name()) && age < std::chrono::hours(1)) return false;
  // The previous holder of the lock may have published the file, and another process may use the name.
  return names(name, fd.get()) && ::unlink(name.c_str()) == 0;
}

void write_all(int fd, const fs::path& path, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = checked(path, "write", [&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (written == 0) fail(path, "write", EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

// Renames the temporary file atomically unless `path` exists. Returns true if it did.
bool publish_new(const std::string& temporary, const fs::path& path) {
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return true;
  // Some file systems (NFS) lack this rename: add a second name (link), then remove the first one.
  if ((errno == EINVAL || errno == ENOSYS) && ::link(temporary.c_str(), path.c_str()) == 0) {
    if (::unlink(temporary.c_str()) != 0) fail(path, "remove its temporary file", errno);
    return true;
  }
  if (errno != EEXIST) fail(path, "publish", errno);
  return false;
}

void sync_folder(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
  Descriptor fd(checked(path, "open its folder",
                        [&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  checked(path, "fsync its folder", [&] { return ::fsync(fd.get()); });
  close_checked(fd, path);
}

}  // namespace

bool write_file(const fs::path& path, std::span<const std::byte> bytes, IfExists if_exists) {
  Temporary temporary = create_temporary(path);
  bool published = true;
  try {
    write_all(temporary.file.get(), path, bytes);
    checked(path, "fsync", [&] { return ::fsync(temporary.file.get()); });
    close_checked(temporary.file, path);
    if (if_exists == IfExists::keep)
      published = publish_new(temporary.name, path);
    else
      checked(path, "publish", [&] { return ::rename(temporary.name.c_str(), path.c_str()); });
  } catch (...) {
    ::unlink(temporary.name.c_str());  // the first failure is the one to report
    throw;
  }
  if (!published && ::unlink(temporary.name.c_str()) != 0) fail(path, "remove its temporary file", errno);
  if (published) sync_folder(path);
  return published;
}

void write_text(const fs::path& path, const std::string& text) {
  write_file(path, std::as_bytes(std::span(text)), IfExists::replace);
}

std::size_t remove_leftovers(const fs::path& folder,
                             const std::function<bool(const std::string& name)>& ours) {
  std::size_t removed = 0;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (const std::string name = entry->path().filename().string();
        ours(name.substr(0, name.rfind(kTemporaryMark))))
      removed += remove_if_left(entry->path());
  return removed;
}

std::vector<std::byte> read_file(const fs::path& path) {
  return read_end(path, std::numeric_limits<std::size_t>::max());
}

std::string read_text(const fs::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::byte> read_end(const fs::path& path, std::size_t size) {
  // O_NONBLOCK: opening a FIFO would wait for a process that writes to it.
  Descriptor fd(
      checked(path, "open", [&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); }));
  struct stat status {};
  checked(path, "look at", [&] { return ::fstat(fd.get(), &status); });
  if (!S_ISREG(status.st_mode)) throw IoError(path, "is not a regular file");
  std::vector<std::byte> bytes(std::min(size, static_cast<std::size_t>(status.st_size)));
  off_t at = status.st_size - static_cast<off_t>(bytes.size());
  std::span<std::byte> rest(bytes);
  while (!rest.empty()) {
    const ssize_t got =
        checked(path, "read", [&] { return ::pread(fd.get(), rest.data(), rest.size(), at); });
    if (got == 0) break;  // the file shrank meanwhile; the check of its content will report it
    rest = rest.subspan(static_cast<std::size_t>(got));
    at += got;
  }
  bytes.resize(bytes.size() - rest.size());
  close_checked(fd, path);
  return bytes;
}

}  // namespace heed::results
