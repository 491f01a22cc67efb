#pragma once

#include <vector>

#include "core/config.h"
#include "experiments/sweep/axes.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/trial/compare_options.h"

namespace heed {

// Reads `compare` apart from `match`. Metric, reference and selected parameter must exist.
CompareOptions read_compare(const Config& tree, const std::vector<VariantEntry>& variants, const Axes& axes,
                            Problems& problems);

}  // namespace heed
