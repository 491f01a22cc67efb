#pragma once

#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Returns a warning with the attention variants for which `train.dropout` is set and does not drop attention
// weights, because their code does not use Head::dropout. Found by comparing outputs, so variants need not
// declare it. Variants of plugins are left out, because they may crash.
std::vector<std::string> attention_dropout_warnings(const Sweep& sweep, const Registry& registry);

}  // namespace heed
