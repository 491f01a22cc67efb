#pragma once

#include <string>

#include "results/record.h"

namespace heed {

std::string heed_version();  // "0.1.0"

// Returns everything besides the configuration that results depend on: compiler, flags, instruction set,
// Eigen. Results with different stamps may differ in the last bits.
std::string build_stamp();

// Returns the stamp and the versions of the libraries, one per line, for `heed --version`.
std::string version_text();

// Returns the provenance of results written by this process now. `command`: as the user typed it.
results::Provenance provenance(const std::string& command);

}  // namespace heed
