#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/registry.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Returns a warning for each key of a sweep file that is given and has no effect in its setting: a tolerance
// without a budget, sequences of a test that takes a whole text, an option of a task that changes no
// sequence. For options of models see same_models.h.
std::vector<std::string> unused_key_warnings(const Config& tree, const Sweep& sweep,
                                             const Registry& registry);

}  // namespace heed
