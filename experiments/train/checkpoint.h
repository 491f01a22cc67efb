#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/train/training.h"

namespace heed {

// The checkpoints of one trial: two files, BASE.0 and BASE.1. A save overwrites the older one, so one file is
// complete at any time. A file contains: magic, the build stamp, the arrays of a TrainState (those of the
// optimizer by name), and the checksum of results/checksum.h, whose label names the trial and the step. The
// checksum is verified before the file is used.
class Checkpoints {
 public:
  // id: of the trial. Checkpoints of another trial or build are rejected, because the result would have other
  // bits.
  Checkpoints(std::filesystem::path base, std::string id) : base_(std::move(base)), id_(std::move(id)) {}

  // Returns the state in the newest complete checkpoint of this trial and build, or nullopt. Adds a
  // sentence to `notes` for each checkpoint that was rejected.
  std::optional<SavedState> load(std::vector<std::string>& notes) const;

  void save(const TrainState& state);  // Throws: results::IoError
  void remove() const;                 // removes both; errors are ignored

  // Returns the step of the newest one, read only from the labels, or nullopt.
  std::optional<Index> latest_step() const;

 private:
  std::filesystem::path file(int generation) const;
  std::optional<Index> step_of(int generation) const;

  std::filesystem::path base_;
  std::string id_;
};

}  // namespace heed
