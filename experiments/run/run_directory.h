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
  std::vector<results::Metric> budget = {};  // how the trial meets the sweep's budget, if it has one
  std::string to_string() const;             // "window lr=0.001 seed=2"
};

// The files of a sweep:
//
//     sweep.yaml        the file as given, with the overrides
//     sweep.yaml.old    the file of the plan that this one has replaced
//     plan.tsv          ids in plan order, with variant, seed, setting and budget; its last line is a hash
//     plan.lock         locked by every run: a run of another plan is refused (experiments/run/plan_claim.h)
//     trials/<id>.h5    one complete file per finished trial
//     logs/<id>.log     what the trial printed; a running trial locks it
//     logs/<id>.yaml    its resolved configuration, for `heed trial`
//     logs/<id>.progress  the progress of a running trial, for `heed status`; removed when it ends
//     checkpoints/      of running and stopped trials, and of ended ones for longer ones (kept_states.h)
//     subwords/<hash>.model  the subwords of each text with `unit: bpe`, as sentencepiece reads them
//     rungs/<contest>/<id>.tsv  what a rule saw and decided (experiments/run/rungs.h)
//     results.h5        all trials in one file
//
// Only trials/ decides which trials are done. Every run writes the plan again.
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
  std::filesystem::path rungs() const { return root_ / "rungs"; }
  std::filesystem::path subwords() const { return root_ / "subwords"; }
  std::filesystem::path sweep() const { return root_ / "sweep.yaml"; }
  std::filesystem::path old_sweep() const { return root_ / "sweep.yaml.old"; }
  std::filesystem::path plan() const { return root_ / "plan.tsv"; }
  std::filesystem::path results() const { return root_ / "results.h5"; }

  // Creates the folders, writes sweep.yaml and plan.tsv and claims them for the sweep. Throws: heed::Error if
  // the directory has another sweep.yaml that no run has written, or another plan runs there;
  // results::IoError if a file cannot be written.
  [[nodiscard]] PlanClaim prepare(const Sweep& sweep, const std::string& sweep_text,
                                  const std::string& command) const;

  // Returns the plan of the latest run. Throws: heed::Error if there is none.
  std::vector<PlanLine> read_plan() const;
  std::string plan_text() const;  // of the file, without the hash

  // Returns how a trial ended, or nullopt if it has no file. Throws: results::DamagedFile.
  std::optional<results::Status> outcome(const std::string& id) const;

  // Returns true if a trial has to run: it has no file, or it failed or was killed and its file is not newer
  // than `retry`, or a rule stopped it and `complete` is set, or its file is damaged. `say` gets a message
  // about a damaged file.
  using FileTime = std::filesystem::file_time_type;
  bool needs_run(const std::string& id, std::optional<FileTime> retry, bool complete,
                 const std::function<void(const std::string&)>& say = {}) const;

  bool running(const std::string& id) const;  // Throws: results::IoError if the file system has no locks

  // Removes files of killed processes: temporary files, and checkpoints of finished trials. Keeps the files
  // of running processes and of other programs.
  void remove_leftovers() const;

  // Merges the files of the plan's trials into results.h5, and stores the compare settings in it.
  results::MergeReport merge(const std::vector<PlanLine>& plan, const results::Provenance& provenance,
                             const results::CompareSettings& compare) const;

 private:
  // Throws: heed::Error if the folder is no run directory and has a file that heed would replace.
  void refuse_foreign_files(const std::string& sweep_text) const;

  std::filesystem::path root_;
};

std::vector<PlanLine> plan_lines(const Sweep& sweep);
std::string plan_text(const Sweep& sweep);              // of plan.tsv, without the hash
std::string plan_digest(const std::string& plan_text);  // 16 hex digits; a Slurm job checks its plan with it

// Returns the file for another result of the same trial, which a second process recorded (docs/slurm.md).
std::filesystem::path second_copy(std::filesystem::path trial);

// The end of every message about a damaged trial file.
inline constexpr const char* kDamageRemedy = "Remove the file: the next `heed run` runs its trial again.";

}  // namespace heed
