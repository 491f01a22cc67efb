#pragma once

#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Returns a warning for each option of the optimizer and the schedule that is given and has no effect on any
// trial: learning rates and the first steps of a few parameters are the same with its default.
std::vector<std::string> unused_method_warnings(const Sweep& sweep, const Registry& registry);

}  // namespace heed
