// What `heed compare` and `heed report` read: a run directory, or a results file.
#pragma once

#include <filesystem>
#include <vector>

#include "experiments/cli/command.h"
#include "experiments/run/run_directory.h"
#include "experiments/sweep/sweep.h"
#include "results/table.h"

namespace heed::cli {

struct ResultsInput {
  std::filesystem::path file;
  bool builds_noted = false;  // was a note about several builds printed?
  bool whole = true;          // could all trial files be read, and do they agree?
  CompareOptions options;     // of the run directory or the file itself, overridden by the command line
  results::Results results;
};

// Returns the section `compare` of the directory's sweep file. If it has no reference, the first variant of
// the plan is the reference. Throws: ConfigError.
CompareOptions compare_options(const RunDirectory& directory, const std::vector<PlanLine>& plan);

// The options as a results file contains them, and back.
results::CompareSettings compare_settings(const CompareOptions& options);
CompareOptions compare_options(const results::CompareSettings& settings);

// Adds --metric, --reference and --select.
void add_compare_options(po::options_description& options);

// Reads a run directory or a results file. A directory is merged first if trials have ended since the last
// merge. Prints on standard error what is wrong with trial files.
ResultsInput load_results(const Input& input, const std::filesystem::path& from);

// Checks results against the command line. Prints a note if trials come from several builds of heed. Throws:
// heed::Error if --reference is not a variant of the results.
void check_results(const Input& input, const ResultsInput& loaded);

}  // namespace heed::cli
