#pragma once

#include <string>

#include "results/record.h"

namespace heed {

std::string heed_version();  // "0.1.0"

// What the numbers depend on apart from the configuration: compiler, flags, instruction set, Eigen. Results
// of different stamps may differ in the last bits.
std::string build_stamp();

// The stamp and the versions of the libraries, a line each, for `heed --version`.
std::string version_text();

// Who writes results here and now. command: as the user typed it.
results::Provenance provenance(const std::string& command);

}  // namespace heed
