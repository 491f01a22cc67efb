#pragma once

#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Returns a warning for each task of a sweep if at least 1 % of its test sequences also occur in training.
std::vector<std::string> overlap_warnings(const Sweep& sweep, const Registry& registry);

}  // namespace heed
