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
  bool builds_noted = false;  // that trials come from several
  CompareOptions options;     // of the run directory or the file itself, overridden by the command line
  results::Results results;
};

// Returns the `compare` section of the directory's sweep file. The first variant of the plan is the reference
// where the section names none. Throws: ConfigError.
CompareOptions compare_options(const RunDirectory& directory, const std::vector<PlanLine>& plan);

// --metric, --reference and --select.
void add_compare_options(po::options_description& options);

// A run directory is merged first if trials have ended since it was. Says on standard error what is wrong
// with the trials' files.
ResultsInput load_results(const Input& input, const std::filesystem::path& from);

// What is compared where the command line says so: refuses a reference that is no variant of the results, and
// says when trials come from several builds of heed.
void check_results(const Input& input, const ResultsInput& loaded);

}  // namespace heed::cli
