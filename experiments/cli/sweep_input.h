#pragma once

#include <cstddef>
#include <string>

#include "experiments/cli/command.h"
#include "experiments/sweep.h"

namespace heed::cli {

struct LoadedSweep {
  Sweep sweep;
  std::string text;  // for the run directory
};

// Reads and checks the sweep file and the overrides of a command line. ConfigError with everything that is
// wrong.
LoadedSweep load_sweep(const Input& input, const Registry& registry);

int cores();  // that this process may use

}  // namespace heed::cli
