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
  std::filesystem::path directory;  // of --output, else runs/NAME
};

// Reads and checks a sweep file with the overrides of a command line, and loads the plugins that it lists.
// Prints notes and warnings on standard error. Throws: ConfigError with all mistakes.
LoadedSweep load_sweep(const std::filesystem::path& path, const std::vector<std::string>& overrides,
                       const Input& input, Registry& registry);

// Prepares the run directory for the sweep. If it had another plan, prints how many results are not in the
// new one. Throws as RunDirectory::prepare does.
[[nodiscard]] PlanClaim claim_directory(const RunDirectory& directory, const LoadedSweep& loaded,
                                        const std::string& command);

// Adds --plan, the digest of the plan that a Slurm job was submitted for.
void add_plan_option(po::options_description& options);
// Throws: heed::Error if --plan is given and the plan has another digest. where: for the message.
void refuse_unless_planned(const Input& input, const std::filesystem::path& where,
                           const std::string& plan_text);

// Throws: heed::Error if --complete is given, but no rule and no trial that one has stopped.
void refuse_completing_nothing(const Input& input, const Sweep& sweep, const RunDirectory& directory);

int cores();  // returns how many this process may use

}  // namespace heed::cli
