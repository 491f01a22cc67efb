#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"
#include "results/merge.h"
#include "results/record.h"

namespace heed {

struct PlanClaim;

// A line of the plan file.
struct PlanLine {
  std::string id, variant, seed, setting;
  std::vector<results::Metric> budget = {};  // how the trial meets the sweep's budget, where it has one
  std::string text() const;                  // "window lr=0.001 seed=2"
};

// Where a sweep leaves what it makes:
//
//     sweep.yaml        the file as given, with the overrides
//     plan.tsv          ids in plan order, with variant, seed, setting and budget; its last line is a hash
//     plan.lock         held by every run: a run of another plan is refused (experiments/run/plan_claim.h)
//     trials/<id>.h5    one whole file per finished trial
//     logs/<id>.log     what the trial printed; a running trial holds a lock on it
//     logs/<id>.yaml    its resolved configuration, for `heed trial`
//     logs/<id>.progress  how far a running trial is, for `heed status`; gone when it ends
//     checkpoints/      of trials that are running or were stopped; gone when they end
//     results.h5        all trials in one file
//
// What is done, and how, is told by trials/ alone; the plan is written anew by every run.
class RunDirectory {
 public:
  explicit RunDirectory(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path trial(const std::string& id) const { return root_ / "trials" / (id + ".h5"); }
  std::filesystem::path log(const std::string& id) const { return root_ / "logs" / (id + ".log"); }
  std::filesystem::path config(const std::string& id) const { return root_ / "logs" / (id + ".yaml"); }
  std::filesystem::path progress(const std::string& id) const { return root_ / "logs" / (id + ".progress"); }
  std::filesystem::path checkpoint(const std::string& id) const {
    return root_ / "checkpoints" / id;
  }  // base name
  std::filesystem::path sweep() const { return root_ / "sweep.yaml"; }
  std::filesystem::path plan() const { return root_ / "plan.tsv"; }
  std::filesystem::path results() const { return root_ / "results.h5"; }

  // Makes the folders, writes sweep.yaml and plan.tsv and claims them for the sweep. heed::Error where
  // another sweep.yaml is there that no run has made, or another plan runs; results::IoError where the
  // machine refuses.
  [[nodiscard]] PlanClaim prepare(const Sweep& sweep, const std::string& sweep_text,
                                  const std::string& command) const;

  // The plan of the latest run. heed::Error where there is none.
  std::vector<PlanLine> read_plan() const;
  std::string plan_text() const;  // the same as in the file, without the hash

  // How a trial ended; nothing where it has no file. results::DamagedFile.
  std::optional<results::Status> outcome(const std::string& id) const;

  // Does a trial have to run? One without a file, one that failed or was killed and has a file not younger
  // than `retry`, and one with a damaged file, of which `say` is told.
  using FileTime = std::filesystem::file_time_type;
  bool needs_run(const std::string& id, std::optional<FileTime> retry,
                 const std::function<void(const std::string&)>& say = {}) const;

  bool running(const std::string& id) const;  // results::IoError where the file system has no locks

  // Removes what killed processes have left: temporary files, and checkpoints of trials that have ended well.
  // Others may be at work in the directory, and files of other programs in it.
  void remove_leftovers() const;

  // Merges the files of the plan's trials into results.h5, which carries the settings.
  results::MergeReport merge(const std::vector<PlanLine>& plan, const results::Provenance& provenance,
                             const results::CompareSettings& compare) const;

 private:
  std::filesystem::path root_;
};

std::vector<PlanLine> plan_lines(const Sweep& sweep);
std::string plan_text(const Sweep& sweep);              // of plan.tsv, without the hash
std::string plan_digest(const std::string& plan_text);  // 16 hex digits, by which a Slurm job knows its plan

// Beside the file of a trial: what another process recorded of it later, and differently (docs/slurm.md).
std::filesystem::path second_copy(std::filesystem::path trial);

// Said behind what is wrong with a trial's file.
inline constexpr const char* kDamageRemedy = "Remove the file: the next `heed run` runs its trial again.";

}  // namespace heed
