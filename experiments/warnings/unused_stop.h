#pragma once

#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"

namespace heed {

// Returns a warning if `sweep.stop` can stop no trial of the sweep: no trial is validated at a rung, or fewer
// trials compete than the rule needs.
std::vector<std::string> unused_stop_warnings(const Sweep& sweep);

}  // namespace heed
