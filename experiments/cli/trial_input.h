// Trials of a run directory that the command line names.
#pragma once

#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/run/run_directory.h"
#include "experiments/trial/trial_config.h"

namespace heed::cli {

// Returns the lines of the plan with these ids, in the order of the ids. Throws: UsageError if one is not in
// the plan or is given twice.
std::vector<PlanLine> lines_of(const RunDirectory& directory, const std::vector<std::string>& ids);

// Returns the configuration of a finished trial that saved its weights, and loads its plugins. Throws:
// heed::Error with the reason as a sentence if it has no weights or this heed cannot make its model.
TrialConfig trial_with_weights(const RunDirectory& directory, const PlanLine& line, Registry& registry);

}  // namespace heed::cli
