#include "experiments/system/scratch_folder.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <fmt/format.h>

#include "results/errors.h"
#include "results/host_name.h"

namespace heed {
namespace {

namespace fs = std::filesystem;
using results::Descriptor;

fs::path temporary_folder() {
  std::error_code error;
  fs::path folder = fs::temp_directory_path(error);
  if (!error) return folder;
  const char* named = std::getenv("TMPDIR");
  throw results::IoError(
      named ? named : "/tmp",
      fmt::format("cannot be used for temporary files: {}. Set TMPDIR to a folder that can be written.",
                  error.message()));
}

Descriptor open_folder(const fs::path& folder) {
  return Descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// Removes the folders whose process is gone. On a file system without locks none is known to be.
void remove_leftovers(const fs::path& among, const std::string& prefix) {
  std::error_code error, ignored;
  for (fs::directory_iterator entry(among, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->path().filename().string().starts_with(prefix)) continue;
    const Descriptor folder = open_folder(entry->path());
    if (folder.get() >= 0 && flock(folder.get(), LOCK_EX | LOCK_NB) == 0)
      fs::remove_all(entry->path(), ignored);
  }
}

}  // namespace

ScratchFolder::ScratchFolder(const std::string& purpose, fs::path among) {
  if (among.empty()) among = temporary_folder();
  // With the host: not every file system shares locks between hosts.
  const std::string prefix = fmt::format("heed_{}_{}_", purpose, results::host_name());
  remove_leftovers(among, prefix);
  bool taken = true;
  while (taken) {
    std::string name = (among / (prefix + "XXXXXX")).string();
    if (mkdtemp(name.data()) == nullptr)
      throw results::IoError(name, fmt::format("cannot make the folder: {}. TMPDIR names another place.",
                                               std::generic_category().message(errno)));
    path_ = name;
    lock_ = open_folder(path_);
    // Another process may have taken it for a leftover before it had its lock.
    taken = (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) || !fs::exists(path_);
  }
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace heed
