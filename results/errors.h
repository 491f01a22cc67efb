// What can go wrong with a file. Both messages begin with the path and end with the reason.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace heed::results {

// A system error: a full disk, no permission, a failing device. Programs exit with 74.
struct IoError : std::runtime_error {
  IoError(const std::filesystem::path& file, const std::string& why)
      : std::runtime_error(file.string() + ": " + why), path(file), reason(why) {}
  std::filesystem::path path;
  std::string reason;
};

// The file is not as heed wrote it, or has another schema. `why` is a sentence. Programs exit with 65.
struct DamagedFile : std::runtime_error {
  DamagedFile(const std::filesystem::path& file, const std::string& why)
      : std::runtime_error(file.string() + ": " + why), path(file), reason(why) {}
  std::filesystem::path path;
  std::string reason;
};

}  // namespace heed::results
