#pragma once

#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/registry.h"
#include "experiments/match/match.h"
#include "experiments/run/process.h"
#include "experiments/sweep/limits.h"
#include "experiments/sweep/trial_config.h"

namespace heed {

// Processor milliseconds of an update of two trials, each with one thread, trained in turn for a moment: what
// disturbs the machine disturbs both. Medians; of a trial that grows, its last model. Takes some tenths of a
// second, more where an update takes long. It runs the variants' own code, so a process that must not end
// with them asks another one to do it.
std::pair<double, double> time_in_turn(const TrialConfig& a, const TrialConfig& b, const Registry& registry,
                                       int rounds = 15);

// What measures two trials in turn, within limits: as time_in_turn does. StepTimingFailed
using StepTimer = std::function<std::pair<double, double>(const TrialConfig& a, const TrialConfig& b,
                                                          int rounds, const Limits& limits)>;

// A variant was trained to be timed, and that came to an end of its own.
class StepTimingFailed : public Error {
 public:
  using Error::Error;
};

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
