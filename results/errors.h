// What can go wrong with a file. Both messages begin with the path and end with the reason.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace heed::results {

// The machine refused: a full disk, no permission, a failing device. Programs end with exit code 74.
struct IoError : std::runtime_error {
  IoError(const std::filesystem::path& file, const std::string& why)
      : std::runtime_error(file.string() + ": " + why), path(file), reason(why) {}
  std::filesystem::path path;
  std::string reason;
};

// The bytes are not what heed wrote, or are of another schema. `why` is a sentence. Programs end with exit
// code 65.
struct DamagedFile : std::runtime_error {
  DamagedFile(const std::filesystem::path& file, const std::string& why)
      : std::runtime_error(file.string() + ": " + why), path(file), reason(why) {}
  std::filesystem::path path;
  std::string reason;
};

}  // namespace heed::results
