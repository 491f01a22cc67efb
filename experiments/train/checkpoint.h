#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/train/trainer.h"

namespace heed {

// The checkpoints of one trial: two files, BASE.0 and BASE.1, of which the older is written next, so that one
// is whole at any instant. A file is flat: magic, the build stamp, the arrays of a TrainState (those
// of the optimizer by name), and the seal
// of results/seal.h, whose label names the trial and the step. It is verified whole before any of it is used.
class Checkpoints {
 public:
  // id: of the trial. Checkpoints of another trial or another build are not taken: their bits would differ.
  Checkpoints(std::filesystem::path base, std::string id) : base_(std::move(base)), id_(std::move(id)) {}

  // Returns the state in the newest complete checkpoint of this trial and build, or nullopt. Adds a
  // sentence to `notes` for each checkpoint that was rejected.
  std::optional<SavedState> load(std::vector<std::string>& notes) const;

  void save(const TrainState& state);  // results::IoError
  void remove() const;                 // removes both; errors are ignored

  // Returns the step of the newest one, read only from the labels of the seals, or nullopt.
  std::optional<Index> latest_step() const;

 private:
  std::filesystem::path file(int generation) const;
  std::optional<Index> step_of(int generation) const;

  std::filesystem::path base_;
  std::string id_;
};

}  // namespace heed
