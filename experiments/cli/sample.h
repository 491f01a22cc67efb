#pragma once

#include "experiments/cli/command.h"

namespace heed::cli {

// `heed sample`: generates with the saved weights of a finished trial.
Command sample_command();

}  // namespace heed::cli
