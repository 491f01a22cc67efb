#pragma once

#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Returns a warning for each set of rows of one model that train the same: they differ only in the schedule,
// and have the same learning rate at every step, or only in train.micro_batch.
std::vector<std::string> same_training_warnings(const Sweep& sweep, const Registry& registry);

}  // namespace heed
