#pragma once

#include <string>
#include <vector>

#include "core/model/model_spec.h"
#include "core/registry.h"
#include "core/task.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Returns how many positions back the outputs of a decoder see, through all layers: length - 1 if the last
// output sees the first token. Found by changing tokens and comparing the outputs, and by a derivative, so
// variants need not declare it. Requires: a task of tokens with a label at each position.
Index reach_of(const ModelSpec& spec, const Registry& registry, const Task& task);

// Returns a warning for each variant whose layers together do not see as far back as the answers of the task
// are, if it concerns at least 1 % of the scored positions: "window(size=5): ...". Only tasks that say where
// the answer is are checked. Models that would take more than a second or two are left out, and those of
// plugins, which may crash.
std::vector<std::string> reach_warnings(const Sweep& sweep, const Registry& registry);

}  // namespace heed
