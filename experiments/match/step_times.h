#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "core/registry.h"
#include "experiments/match/match.h"
#include "experiments/sweep/trial_config.h"

namespace heed {

// Processor milliseconds of an update of two trials, each with one thread, trained in turn for a moment: what
// disturbs the machine disturbs both. Medians; of a trial that grows, its last model. Takes some tenths of a
// second. heed::Error where a model cannot be built.
std::pair<double, double> time_in_turn(const TrialConfig& a, const TrialConfig& b, const Registry& registry,
                                       int rounds = 15);

// What measures two trials in turn: as time_in_turn does.
using StepTimer =
    std::function<std::pair<double, double>(const TrialConfig& a, const TrialConfig& b, int rounds)>;

// Sizes that were found by measuring, in a file of the run directory. No measurement comes out twice the
// same: what was found once stays, so that a sweep that is continued has the trials that it had.
class StepTimes {
 public:
  // With what the file has. results::DamagedFile, IoError
  StepTimes(std::filesystem::path file, StepTimer timer);

  std::pair<double, double> time(const TrialConfig& a, const TrialConfig& b, int rounds) const {
    return timer_(a, b, rounds);
  }
  const Matched* find(const std::string& key) const;  // null where it was not measured yet
  void add(const std::string& key, const Matched& matched);
  bool changed() const { return changed_; }  // was something added?
  void save() const;                         // results::IoError

 private:
  std::filesystem::path file_;
  StepTimer timer_;
  std::map<std::string, Matched> found_;
  bool changed_ = false;
};

}  // namespace heed
