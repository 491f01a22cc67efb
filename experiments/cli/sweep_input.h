#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/cli/command.h"
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

int cores();  // that this process may use

}  // namespace heed::cli
