#pragma once

#include <filesystem>
#include <string>

#include "results/descriptor.h"

namespace heed {

// An empty folder for temporary files, below `among` (if empty: TMPDIR or /tmp), removed with its contents at
// the end of the scope. The constructor also removes the folders that killed processes left for the same
// purpose on this machine. `purpose` is a part of the name. Throws: results::IoError, which names TMPDIR.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::string& purpose, std::filesystem::path among = {});
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  results::Descriptor lock_;  // of the folder; shows other processes that this one is alive
};

}  // namespace heed
