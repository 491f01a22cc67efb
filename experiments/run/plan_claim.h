#pragma once

#include <cstddef>
#include <string>

#include "experiments/run/run_directory.h"
#include "results/descriptor.h"

namespace heed {

// A lock on the plan of a run directory, which has one plan at a time. During the lifetime of a claim, runs
// of the same plan share it, and a run of another plan is refused. The lock is released when the process
// ends, in any way.
struct PlanClaim {
  results::Descriptor lock;
  bool replaced = false;     // the directory had a plan with trials that are not in this one
  bool kept_sweep = false;   // if it replaced a plan: its sweep file is sweep.yaml.old
  std::size_t left_out = 0;  // if it replaced a plan: results in trials/ that are not in this one
};

// Returns true if sweep.yaml was changed since the run wrote it. False if no run has recorded what it wrote.
bool sweep_changed(const RunDirectory& directory);

// Writes plan.tsv and sweep.yaml and claims them. Writes `command` into plan.lock, for the message of a run
// that is refused. Throws: heed::Error if processes run another plan there, or the same plan with another
// sweep file (their tables would differ), or if it would replace a sweep.yaml that heed has not written;
// results::IoError if a file cannot be written or locked.
PlanClaim claim_plan(const RunDirectory& directory, const std::string& plan, const std::string& sweep,
                     const std::string& command);

}  // namespace heed
