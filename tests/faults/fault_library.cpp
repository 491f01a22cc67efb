// Makes the k-th system call or allocation fail, as the fault plan says; loaded with LD_PRELOAD. Calls that
// the C library makes inside itself (stdio, opendir) are not seen.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/faults/fault_plan.h"

extern "C" {
// The allocator behind malloc: dlsym itself allocates, so it cannot be used to find it.
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {

using heed::test::Fault;
using heed::test::FaultPlan;

// What a call needs from the machine.
enum class Needs { nothing, room };

FaultPlan* plan = nullptr;
std::size_t folder_length = 0;
std::atomic<bool> in_main = false;  // start-up and the destructors of statics cannot answer a fault
enum class Use : char { other, reading, writing };
std::array<Use, 1024> use_of{};  // of each descriptor below the folder

// The next definition of a function: the C library's.
template <class F>
F* real(F*, const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}
#define REAL(function)                                       \
  ([] {                                                      \
    static auto* const found = real(&::function, #function); \
    return found;                                            \
  }())

// Returns an absolute path without resolving links and dots.
struct Absolute {
  explicit Absolute(const char* path) {
    if (path[0] == '/') {
      std::snprintf(text, sizeof text, "%s", path);
    } else if (getcwd(text, sizeof text) != nullptr) {
      const std::size_t n = std::strlen(text);
      std::snprintf(text + n, sizeof text - n, "/%s", path);
    }
  }
  bool counts() const {
    return plan != nullptr && std::strncmp(text, plan->folder, folder_length) == 0 &&
           (text[folder_length] == '/' || text[folder_length] == 0);
  }
  char text[4096] = "";
};

[[noreturn]] void die(bool with_supervisor) {
  const pid_t supervisor = plan->supervisor;
  // The workers of a dead supervisor die by themselves; it is certainly ours while it is our parent.
  if (with_supervisor && getppid() == supervisor) kill(supervisor, SIGKILL);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

// Counts a call; is it to fail?
bool is_hit(const char* call, const char* path) {
  const long k = ++plan->calls;
  const bool hit = plan->at > 0 && (k == plan->at || (plan->for_good && k > plan->at));
  if (hit && plan->fired++ == 0) std::snprintf(plan->where, sizeof plan->where, "%s %.500s", call, path);
  return hit;
}

bool fails(const char* call, const char* path, Needs needs) {
  const Fault fault = plan->fault;
  if (!in_main || fault == Fault::no_memory || (fault == Fault::full_disk && needs != Needs::room))
    return false;
  if (fault == Fault::short_write) {  // once one has happened, and for good, the disk is full
    if (!plan->for_good || plan->fired == 0 || needs != Needs::room) return false;
    errno = ENOSPC;
    return true;
  }
  if (!is_hit(call, path)) return false;
  if (fault == Fault::kill_all || fault == Fault::kill_one) die(fault == Fault::kill_all);
  errno = fault == Fault::full_disk ? ENOSPC : EIO;
  return true;
}

bool path_fails(const char* call, const char* path, Needs needs) {
  if (plan == nullptr) return false;
  const Absolute absolute(path);
  return absolute.counts() && fails(call, absolute.text, needs);
}

Use use(int fd) {
  return plan != nullptr && fd >= 0 && fd < static_cast<int>(use_of.size())
             ? use_of[static_cast<std::size_t>(fd)]
             : Use::other;
}

void set_use(int fd, Use u) {
  if (fd >= 0 && fd < static_cast<int>(use_of.size())) use_of[static_cast<std::size_t>(fd)] = u;
}

bool path_of(int fd, char* text, std::size_t size) {
  char link[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, text, size - 1);
  text[std::max<ssize_t>(n, 0)] = 0;
  return n > 0;
}

bool descriptor_fails(const char* call, int fd, Needs needs) {
  if (use(fd) == Use::other) return false;
  char path[512];
  path_of(fd, path, sizeof path);
  return fails(call, path, needs);
}

int opened(int fd, const char* path, int flags) {
  if (plan != nullptr && fd >= 0 && Absolute(path).counts())
    set_use(fd, (flags & O_ACCMODE) == O_RDONLY ? Use::reading : Use::writing);
  return fd;
}

// How many bytes of a write are written where the fault is in the middle of it; -1: it fails at once.
ssize_t write_part(int fd, std::size_t size, bool& dies) {
  dies = false;
  const auto whole = static_cast<ssize_t>(size);
  if (use(fd) == Use::other || !in_main) return whole;
  const Fault fault = plan->fault;
  const bool kills = fault == Fault::kill_all || fault == Fault::kill_one;
  if (!kills && fault != Fault::short_write) return descriptor_fails("write", fd, Needs::room) ? -1 : whole;
  if (fault == Fault::short_write && plan->for_good && plan->fired > 0) {
    errno = ENOSPC;
    return -1;
  }
  char path[512];
  path_of(fd, path, sizeof path);
  if (!is_hit("write", path)) return whole;
  dies = kills;
  return std::max<ssize_t>(kills ? 0 : 1, whole / 2);
}

bool memory_fails() {
  return plan != nullptr && in_main && plan->fault == Fault::no_memory && is_hit("allocation", "");
}

void* none() {
  errno = ENOMEM;
  return nullptr;
}

__attribute__((constructor)) void attach() {
  const char* path = std::getenv(heed::test::kFaultVariable);
  if (path == nullptr) return;
  const int fd = REAL(open)(path, O_RDWR | O_CLOEXEC);
  void* mapped =
      fd < 0 ? MAP_FAILED : mmap(nullptr, sizeof(FaultPlan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) std::abort();
  REAL(close)(fd);
  plan = static_cast<FaultPlan*>(mapped);
  folder_length = std::strlen(plan->folder);
  pid_t nobody = 0;
  plan->supervisor.compare_exchange_strong(nobody, getpid());
  for (int i = 0; i < 64; ++i) {  // a worker's log is its standard output
    char name[512];
    if (path_of(i, name, sizeof name) && Absolute(name).counts()) set_use(i, Use::writing);
  }
}

int (*main_of_program)(int, char**, char**) = nullptr;

int counted_main(int argc, char** argv, char** environment) {
  in_main = true;
  const int code = main_of_program(argc, argv, environment);
  in_main = false;
  return code;
}

}  // namespace

extern "C" {

int __libc_start_main(int (*program)(int, char**, char**), int argc, char** argv, void (*begin)(),
                      void (*end)(), void (*loader_end)(), void* stack_end) {
  main_of_program = program;
  auto* const start = reinterpret_cast<decltype(&__libc_start_main)>(dlsym(RTLD_NEXT, "__libc_start_main"));
  return start(counted_main, argc, argv, begin, end, loader_end, stack_end);
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (path_fails("open", path, (flags & O_CREAT) != 0 ? Needs::room : Needs::nothing)) return -1;
  return opened(REAL(open)(path, flags, mode), path, flags);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open(path, flags, mode);
}

int close(int fd) {
  const bool bad = descriptor_fails("close", fd, use(fd) == Use::writing ? Needs::room : Needs::nothing);
  const int error = errno;
  set_use(fd, Use::other);
  const int result = REAL(close)(fd);  // Linux closes it in any case
  if (!bad) return result;
  errno = error;
  return -1;
}

ssize_t write(int fd, const void* bytes, std::size_t size) {
  bool dies = false;
  const ssize_t part = write_part(fd, size, dies);
  if (part < 0) return -1;
  const ssize_t written = REAL(write)(fd, bytes, static_cast<std::size_t>(part));
  if (dies) die(plan->fault == Fault::kill_all);
  return written;
}

ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) {
  bool dies = false;
  const ssize_t part = write_part(fd, size, dies);
  if (part < 0) return -1;
  const ssize_t written = REAL(pwrite)(fd, bytes, static_cast<std::size_t>(part), at);
  if (dies) die(plan->fault == Fault::kill_all);
  return written;
}

ssize_t read(int fd, void* bytes, std::size_t size) {
  return descriptor_fails("read", fd, Needs::nothing) ? -1 : REAL(read)(fd, bytes, size);
}

ssize_t pread(int fd, void* bytes, std::size_t size, off_t at) {
  return descriptor_fails("read", fd, Needs::nothing) ? -1 : REAL(pread)(fd, bytes, size, at);
}

int fsync(int fd) { return descriptor_fails("fsync", fd, Needs::room) ? -1 : REAL(fsync)(fd); }

int ftruncate(int fd, off_t size) noexcept {
  return descriptor_fails("ftruncate", fd, Needs::nothing) ? -1 : REAL(ftruncate)(fd, size);
}

int rename(const char* from, const char* to) noexcept {
  return path_fails("rename to", to, Needs::room) ? -1 : REAL(rename)(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  if (path_fails("rename to", to, Needs::room)) return -1;
  return REAL(renameat2)(from_folder, from, to_folder, to, flags);
}

int link(const char* from, const char* to) noexcept {
  return path_fails("link to", to, Needs::room) ? -1 : REAL(link)(from, to);
}

int unlink(const char* path) noexcept {
  return path_fails("unlink", path, Needs::nothing) ? -1 : REAL(unlink)(path);
}

int mkdir(const char* path, mode_t mode) noexcept {
  return path_fails("mkdir", path, Needs::room) ? -1 : REAL(mkdir)(path, mode);
}

int stat(const char* path, struct stat* status) noexcept {
  using Stat = int(const char*, struct stat*);
  static auto* const found = reinterpret_cast<Stat*>(dlsym(RTLD_NEXT, "stat"));
  return path_fails("stat", path, Needs::nothing) ? -1 : found(path, status);
}

void* malloc(std::size_t size) { return memory_fails() ? none() : __libc_malloc(size); }

void* calloc(std::size_t n, std::size_t size) { return memory_fails() ? none() : __libc_calloc(n, size); }

void* realloc(void* old, std::size_t size) { return memory_fails() ? none() : __libc_realloc(old, size); }

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return memory_fails() ? none() : __libc_memalign(alignment, size);
}

int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
  void* memory = memory_fails() ? nullptr : __libc_memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *result = memory;
  return 0;
}

}  // extern "C"
