// What `heed compare` and `heed report` read: a run directory, or a results file.
#pragma once

#include <filesystem>

#include "experiments/cli/command.h"
#include "experiments/sweep/sweep.h"
#include "results/table.h"

namespace heed::cli {

struct ResultsInput {
  std::filesystem::path file;
  CompareOptions options;  // of the sweep file beside it, overridden by the command line
  results::Results results;
};

// --metric, --reference and --select.
void add_compare_options(po::options_description& options);

// From the argument "results". A run directory is merged first if trials have ended since it was. Says on
// standard error what is wrong with the trials' files.
enum class SayBuilds { no, yes };  // where trials come from more than one build of heed
ResultsInput load_results(const Input& input, SayBuilds say_builds = SayBuilds::yes);

}  // namespace heed::cli
