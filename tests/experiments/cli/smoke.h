// Runs of the smallest sweep, configs/smoke.yaml: two variants, two seeds, a few seconds.
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

inline Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Runs it with more words, into folder/out.
inline Ended run_smoke(const TempFolder& folder, const std::string& out, const Words& more = {}) {
  return heed(folder.path(), with({"run", smoke(), "-o", out}, more));
}

// Returns the trial files of a run directory, by name.
inline std::vector<std::filesystem::path> trials(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::exists(directory / "trials"))
    for (const auto& e : std::filesystem::directory_iterator(directory / "trials"))
      if (e.path().extension() == ".h5") files.push_back(e.path());
  std::sort(files.begin(), files.end());
  return files;
}

// Overrides that make the smoke sweep one trial that does not end by itself.
inline const Words kLong = {"train.steps=10000000", "sweep.seeds=1", "variants=[softmax]"};

// Returns the words of such a run, into r.
inline Words long_run(const Words& more = {}) { return with(with({"run", smoke(), "-o", "r"}, kLong), more); }

// Returns the worker of a program, as soon as it trains another trial than `ended`.
inline pid_t worker_of(const Program& program, const std::string& ended = "none") {
  pid_t worker = 0;
  REQUIRE(eventually([&] {
    const std::vector<pid_t> children = program.children();
    if (children.size() != 1) return false;
    worker = children[0];
    // Before exec it has the supervisor's command line, after its end it has none.
    const std::string words = read_file("/proc/" + std::to_string(worker) + "/cmdline");
    return words.find("trial") != std::string::npos && words.find(ended) == std::string::npos;
  }));
  return worker;
}

}  // namespace heed::test
