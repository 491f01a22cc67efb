#pragma once

#include <vector>

#include "core/config.h"
#include "experiments/sweep/axes.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/trial/compare_options.h"

namespace heed {

// Reads the section `compare` without `match`. A metric, reference or selected parameter that does not exist
// becomes a problem.
CompareOptions read_compare(const Config& tree, const std::vector<VariantEntry>& variants, const Axes& axes,
                            Problems& problems);

}  // namespace heed
