#pragma once

#include "experiments/cli/command.h"

namespace heed::cli {

Command replay_command();

}  // namespace heed::cli
