#pragma once

#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Returns a sentence for each task of a sweep of whose test sequences at least 1 % also occur in training.
std::vector<std::string> overlap_warnings(const Sweep& sweep, const Registry& registry);

}  // namespace heed
