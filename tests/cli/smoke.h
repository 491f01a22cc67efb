// The smallest sweep, configs/smoke.yaml: two variants, two seeds, a few seconds.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/cli/program.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace heed::test {

using Words = std::vector<std::string>;

inline std::string smoke() { return (source_dir() / "configs/smoke.yaml").string(); }

// `heed run` of it with more words, into folder/out.
inline Ended run_smoke(const TempFolder& folder, const std::string& out, const Words& more) {
  Words words = {"run", smoke(), "-o", out};
  words.insert(words.end(), more.begin(), more.end());
  return heed(folder.path(), words);
}

// The trials' files of a run directory, by name.
inline std::vector<std::filesystem::path> trials(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::exists(directory / "trials"))
    for (const auto& e : std::filesystem::directory_iterator(directory / "trials"))
      if (e.path().extension() == ".h5") files.push_back(e.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace heed::test
