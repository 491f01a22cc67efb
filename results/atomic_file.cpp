#include "results/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "results/errors.h"

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

// Owns a file descriptor; `close` is checked, the destructor is for stack unwinding.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  void close(const fs::path& path) {
    // Not repeated after EINTR: Linux has closed the descriptor by then, and another thread may own its
    // number.
    if (::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) fail(path, "close", errno);
  }

 private:
  int fd_;
};

std::string temporary_name(const fs::path& path, int attempt) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) fail(path, "ask for the host's name", errno);
  const std::string name = fmt::format("{}.tmp.{}.{}", path.string(), host.data(), ::getpid());
  return attempt == 0 ? name : fmt::format("{}.{}", name, attempt);
}

// A temporary file of our own: created, or nothing. The name may be taken by a killed process that had our
// number.
std::pair<int, std::string> create_temporary(const fs::path& path) {
  for (int attempt = 0;; ++attempt) {
    const std::string name = temporary_name(path, attempt);
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) return {fd, name};
    if (errno != EINTR && (errno != EEXIST || attempt == 100))
      fail(path, "create a temporary file beside it", errno);
  }
}

void write_all(int fd, const fs::path& path, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = checked(path, "write", [&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (written == 0) fail(path, "write", EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

// Gives the temporary file its name in one step unless the name is taken; answers whether it did.
bool publish_new(const std::string& temporary, const fs::path& path) {
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return true;
  // Some file systems know no such rename (NFS): the file gets a second name, then the first one goes.
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
  fd.close(path);
}

}  // namespace

bool write_file(const fs::path& path, std::span<const std::byte> bytes, IfExists if_exists) {
  const auto [created, temporary] = create_temporary(path);
  Descriptor fd(created);
  bool published = true;
  try {
    write_all(fd.get(), path, bytes);
    checked(path, "fsync", [&] { return ::fsync(fd.get()); });
    fd.close(path);
    if (if_exists == IfExists::keep) {
      published = publish_new(temporary, path);
    } else {
      const std::string from = temporary;  // Clang 14 cannot capture a structured binding
      checked(path, "publish", [&] { return ::rename(from.c_str(), path.c_str()); });
    }
  } catch (...) {
    ::unlink(temporary.c_str());  // the first failure is the one to report
    throw;
  }
  if (!published && ::unlink(temporary.c_str()) != 0) fail(path, "remove its temporary file", errno);
  if (published) sync_folder(path);
  return published;
}

std::vector<std::byte> read_file(const fs::path& path) {
  return read_end(path, std::numeric_limits<std::size_t>::max());
}

std::vector<std::byte> read_end(const fs::path& path, std::size_t size) {
  Descriptor fd(checked(path, "open", [&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  struct stat status {};
  checked(path, "look at", [&] { return ::fstat(fd.get(), &status); });
  if (!S_ISREG(status.st_mode)) throw IoError(path, "is not a regular file");
  std::vector<std::byte> bytes(std::min(size, static_cast<std::size_t>(status.st_size)));
  off_t at = status.st_size - static_cast<off_t>(bytes.size());
  std::span<std::byte> rest(bytes);
  while (!rest.empty()) {
    const ssize_t got =
        checked(path, "read", [&] { return ::pread(fd.get(), rest.data(), rest.size(), at); });
    if (got == 0) break;  // it shrank meanwhile: whoever checks the content will say so
    rest = rest.subspan(static_cast<std::size_t>(got));
    at += got;
  }
  bytes.resize(bytes.size() - rest.size());
  fd.close(path);
  return bytes;
}

}  // namespace heed::results
