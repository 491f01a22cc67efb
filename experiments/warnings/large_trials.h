#pragma once

#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Returns a warning if trials will exceed limits.memory or limits.time, whatever machine runs them. Names the
// largest.
std::vector<std::string> large_trial_warnings(const Sweep& sweep, const Registry& registry);

// Returns true if a trial will exceed limits.time, whatever machine runs it.
bool takes_too_long_anywhere(const Sweep& sweep, const Registry& registry);

}  // namespace heed
