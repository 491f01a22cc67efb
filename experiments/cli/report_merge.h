#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/run/run_directory.h"

namespace heed::cli {

// Merges the trials of a run directory's plan and says on standard error what was left out or looks wrong.
// True where nothing does.
bool merge_and_report(const RunDirectory& directory, const std::string& command);

// Says on standard error when trials come from more than one build. Takes their stamps, equal ones too.
void warn_of_builds(const std::vector<std::string>& builds);

// The digest (results/sameness.h) that a table is quoted with: "digest: 0123456789abcdef".
std::string digest_line(const std::filesystem::path& results);

}  // namespace heed::cli
