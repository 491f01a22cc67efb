// Tests: tests/experiments/cli/lengthen_test.cpp
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/train/training.h"
#include "experiments/trial/trial_config.h"

namespace heed {

// The states that trials keep for longer ones (`heed run --keep-checkpoints`). They are checkpoints in the
// folder of the others: <first>.<steps>.0, where <first> is first_steps_id and <steps> the trial's
// train.steps. They stay when the trial ends.
class KeptStates {
 public:
  // Of one trial: the state that it keeps, if `keep` is set and a longer one could continue it, and those
  // that it can continue. Requires: `registry` outlives it.
  KeptStates(std::filesystem::path folder, const TrialConfig& trial, bool keep, const Registry& registry);

  // Does the trial keep its state after this number of steps?
  bool keeps(Index steps) const { return steps == step_; }
  void keep(const TrainState& state) const;  // Throws: results::IoError

  struct Shorter {
    Index step = 0;   // after which the state was kept
    Index steps = 0;  // train.steps of the trial that kept it
  };
  // Returns the shorter trial that has kept the latest state with which this one can begin, read only from
  // names and labels, or nullopt.
  std::optional<Shorter> find() const;

  // Returns the state of a shorter trial, with the validations that this trial has. Returns nullopt, and adds
  // a sentence to `notes`, if it cannot be used.
  std::optional<SavedState> load(const Shorter& shorter, std::vector<std::string>& notes) const;

 private:
  std::string name(Index steps) const;

  std::filesystem::path folder_;
  TrialConfig trial_;
  const Registry& registry_;
  std::string first_;
  Index step_ = 0;  // after which this trial keeps its state; 0: it keeps none
};

}  // namespace heed
