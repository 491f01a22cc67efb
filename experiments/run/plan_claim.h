#pragma once

#include <cstddef>
#include <string>

#include "experiments/run/run_directory.h"
#include "results/descriptor.h"

namespace heed {

// A run directory holds one plan at a time. While this lives, that plan stays: runs of the same plan share
// it, a run of another one is refused. The lock ends with its process, however that ends.
struct PlanClaim {
  results::Descriptor lock;
  bool replaced = false;     // the directory had a plan with trials that this one lacks
  std::size_t left_out = 0;  // results in trials/ that this plan lacks, where it replaced another one
};

// Is sweep.yaml another one than the run has written? Then somebody has changed it since. False where no run
// has kept what it wrote.
bool sweep_changed(const RunDirectory& directory);

// Writes plan.tsv and sweep.yaml and claims them. `command` is kept in plan.lock, for the message of a run
// that is refused.
// Throws: heed::Error where processes run another plan there, or the same one with another sweep file, by
// which their tables would differ; results::IoError where the machine refuses.
PlanClaim claim_plan(const RunDirectory& directory, const std::string& plan, const std::string& sweep,
                     const std::string& command);

}  // namespace heed
