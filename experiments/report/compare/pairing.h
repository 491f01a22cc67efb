#pragma once

#include <cstddef>

#include "experiments/report/compare/comparison.h"

namespace heed {

// Compares every row of another variant; how many have no row to be compared with.
std::size_t compare_with_reference(Comparison& comparison);

}  // namespace heed
