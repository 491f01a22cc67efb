#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/run/run_directory.h"

namespace heed::cli {

// Merges the trials of a run directory's plan. Prints on standard error what was left out or looks wrong, and
// returns true if there is nothing of the kind.
bool merge_and_report(const RunDirectory& directory, const std::string& command);

// Prints a note on standard error if trials come from more than one build. builds: the stamps of all trials.
void warn_of_builds(const std::vector<std::string>& builds);

// Returns the line below a table that identifies its results (results/comparison.h): "digest:
// 0123456789abcdef".
std::string digest_line(const std::filesystem::path& results);

}  // namespace heed::cli
