#pragma once

#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Returns a warning for each set of rows of a sweep that train the same model ("softmax and window(size=64)
// are the same model"), for each option of a variant, the feed-forward, the positions or the model that is
// given and has no effect on any trial ("window: size=2 has no effect"), and for each model with parameters
// that do nothing. All are found from what the models compute on some training sequences, so variants need
// not declare it. Models that would take more
// than a second or two are left out, and those of plugins, which may crash.
std::vector<std::string> same_model_warnings(const Sweep& sweep, const Registry& registry);

}  // namespace heed
