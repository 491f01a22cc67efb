#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/registry.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Returns a warning for everything in a sweep that is allowed and probably a mistake: test sequences that
// also occur in training, trials beyond the sweep's limits, rows that train the same model, options and keys
// without effect, attention without dropout, layers that do not see as far as the answers are. Depends on the
// arguments only, and takes a second or two at most. `tree`: of the sweep file.
std::vector<std::string> warnings_of(const Config& tree, const Sweep& sweep, const Registry& registry);

}  // namespace heed
