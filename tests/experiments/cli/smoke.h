// The smallest sweep, configs/smoke.yaml: two variants, two seeds, a few seconds.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
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

// Words that make the smoke sweep last: a trial is still running when a test looks at it.
inline const Words kLong = {"train.steps=10000000", "sweep.seeds=1", "variants=[softmax]"};

// The one worker of a program, while it trains another trial than `ended`.
inline pid_t worker_of(const Program& program, const std::string& ended = "none") {
  pid_t worker = 0;
  REQUIRE(eventually([&] {
    const std::vector<pid_t> children = program.children();
    if (children.size() != 1) return false;
    worker = children[0];
    // Before exec it is still the supervisor's own image, after its end it has no command line.
    const std::string words = read_file("/proc/" + std::to_string(worker) + "/cmdline");
    return words.find("trial") != std::string::npos && words.find(ended) == std::string::npos;
  }));
  return worker;
}

}  // namespace heed::test
