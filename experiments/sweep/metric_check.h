#pragma once

#include "core/config.h"
#include "core/registry.h"
#include "experiments/sweep/model_check.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Chooses the metric of `heed compare` if the file has none: validation accuracy if a task has no test split.
// Reports a metric that no trial can have, and a test metric if a task has no test split.
void settle_metric(const Config& tree, const Registry& registry, ModelCheck& models, Sweep& sweep,
                   Problems& problems);

}  // namespace heed
