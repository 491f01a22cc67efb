#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "experiments/run/process.h"

namespace heed {

// An empty folder for temporary files, gone with its contents at the end of the scope. `purpose` is a word of
// its name. Throws IoError.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::string& purpose) {
    std::string name = (std::filesystem::temp_directory_path() / ("heed_" + purpose + "_XXXXXX")).string();
    if (mkdtemp(name.data()) == nullptr) fail_to(name, "make the folder");
    path_ = name;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace heed
