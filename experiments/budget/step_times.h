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

// Sizes that were found by measuring, in a file of the run directory. No measurement comes out twice the
// same: what was found once stays, so that a sweep that is continued has the trials that it had.
class StepTimes {
 public:
  // With what the file has. What is being measured is said on `messages`. results::DamagedFile, IoError
  StepTimes(std::filesystem::path file, StepTimer timer, std::FILE* messages = nullptr);

  std::pair<double, double> time(const TrialConfig& a, const TrialConfig& b, int rounds) const {
    return timer_(a, b, rounds, limits);
  }
  void say(const std::string& message) const;
  const Matched* find(const std::string& key) const;  // null where it was not measured yet
  // Writes it to the file at once. results::IoError
  void add(const std::string& key, const Matched& matched);
  void read();  // what other processes have found meanwhile

  // Held from `read` to `add`, it makes the processes that measure the same agree on one answer. Makes the
  // file's folder where it is not there. results::IoError
  FileLock lock() const;

  Limits limits;  // of a measurement

 private:
  std::filesystem::path file_;
  StepTimer timer_;
  std::FILE* messages_;
  std::map<std::string, Matched> found_;
};

}  // namespace heed
