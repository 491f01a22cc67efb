#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/cli/command.h"
#include "experiments/run/plan_claim.h"
#include "experiments/sweep/sweep.h"

namespace heed::cli {

struct LoadedSweep {
  Sweep sweep;
  std::string text;                 // for the run directory
  std::filesystem::path directory;  // what --output says, else runs/NAME
};

// Reads and checks a sweep file with the overrides of a command line; loads the plugins that it lists.
// ConfigError with everything that is wrong.
LoadedSweep load_sweep(const std::filesystem::path& path, const std::vector<std::string>& overrides,
                       const Input& input, Registry& registry);

// Makes the run directory that of the sweep, and says what a plan that was there before leaves out. Throws
// as RunDirectory::prepare does.
[[nodiscard]] PlanClaim claim_directory(const RunDirectory& directory, const LoadedSweep& loaded,
                                        const std::string& command);

// --plan: heed::Error where the plan is no longer that of this digest.
void add_plan_option(po::options_description& options);
void refuse_unless_planned(const Input& input, const std::filesystem::path& where,
                           const std::string& plan_text);

int cores();  // that this process may use

}  // namespace heed::cli
