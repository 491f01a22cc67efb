#pragma once

#include "experiments/cli/command.h"

namespace heed::cli {

// `heed eval`: evaluates the saved weights of finished trials.
Command eval_command();

}  // namespace heed::cli
