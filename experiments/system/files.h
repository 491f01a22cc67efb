// Folders and locks of the file system.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "results/descriptor.h"

namespace heed {

// Throws: results::IoError "cannot {doing}", with the system's reason (errno).
[[noreturn]] void fail_to(const std::filesystem::path& path, const char* doing);

// Throws: results::IoError if no file can be written there, because there is no such folder or it is
// read-only. Call it before the work whose results the file gets.
void check_writable(const std::filesystem::path& path);

// As check_writable. Throws also if a file is there that is not empty and that `is_ours` denies. `what`: what
// would replace it, as "data file". Call it before a file is written where the user says.
void refuse_to_replace(const std::filesystem::path& path, const std::string& what,
                       const std::function<bool()>& is_ours);

// As check_writable. Throws also if a file is there that is not empty.
void refuse_existing(const std::filesystem::path& path);

// Makes a folder and its parents. Throws: results::IoError.
void make_folder(const std::filesystem::path& path);

// Returns the path of a program on PATH, or an empty path.
std::filesystem::path find_program(const std::string& name);

// Calls flock(fd, operation) without waiting. Returns false if another process holds the lock. Throws
// results::IoError if the file system, that of `path`, has no locks.
bool try_lock(int fd, int operation, const std::filesystem::path& path);

// Holds the lock of a file that exists only to be locked. The constructor makes the file if necessary, and
// waits for the lock. Throws results::IoError.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& path);

 private:
  results::Descriptor fd_;
};

}  // namespace heed
