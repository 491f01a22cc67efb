#pragma once

#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "experiments/budget/step_timing.h"
#include "experiments/sweep/limits.h"
#include "experiments/system/files.h"
#include "experiments/trial/budget.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// Sizes found by measuring, stored in a file of the run directory. Measurements vary, so a size that was
// found once is kept: a sweep that is continued keeps its trials.
class StepTimes {
 public:
  // Reads the file if it exists. Measurements are announced on `messages`. Throws: results::DamagedFile,
  // results::IoError.
  StepTimes(std::filesystem::path file, StepTimer timer, std::FILE* messages = nullptr);

  std::pair<double, double> time(const TrialConfig& a, const TrialConfig& b, int rounds) const {
    return timer_(a, b, rounds, limits);
  }
  void say(const std::string& message) const;
  const Matched* find(const std::string& key) const;  // null if it was not measured yet
  // Writes it to the file immediately. Throws: results::IoError.
  void add(const std::string& key, const Matched& matched);
  void read();  // reads what other processes have found meanwhile

  // Returns a lock. Held from `read` to `add`, it makes processes that measure the same size agree on one
  // answer. Makes the file's folder if necessary. Throws: results::IoError.
  FileLock lock() const;

  Limits limits;  // of a measurement

 private:
  std::filesystem::path file_;
  StepTimer timer_;
  std::FILE* messages_;
  std::map<std::string, Matched> found_;
};

}  // namespace heed
