#pragma once

#include "core/config.h"
#include "core/registry.h"
#include "experiments/sweep/model_check.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Settles what `heed compare` shows: without `compare.metric` in the file, validation if a task has no test
// split. Refuses a metric that no trial can have, and one of the test if a task has none.
void settle_metric(const Config& tree, const Registry& registry, ModelCheck& models, Sweep& sweep,
                   Problems& problems);

}  // namespace heed
