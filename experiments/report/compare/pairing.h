#pragma once

#include <cstddef>

#include "experiments/report/compare/comparison.h"
#include "experiments/report/compare/measurement.h"

namespace heed {

// Compares every row of another variant, trial by trial of the same seed where both were measured alike.
// Returns how many rows have none to be compared with.
std::size_t compare_with_reference(Comparison& comparison, const Measurement& measurement);

}  // namespace heed
