#pragma once

#include <filesystem>
#include <string>

#include "results/descriptor.h"

namespace heed {

// An empty folder for temporary files, below TMPDIR or /tmp, gone with its contents at the end of the scope.
// What a killed process left of the same purpose goes when the next one is made on that machine. `purpose` is
// a word of the name. Throws results::IoError, which names TMPDIR.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::string& purpose);
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  results::Descriptor lock_;  // of the folder: by it others see that its process is alive
};

}  // namespace heed
