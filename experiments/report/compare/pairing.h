#pragma once

#include <cstddef>

#include "experiments/report/compare/comparison.h"
#include "experiments/report/compare/measurement.h"

namespace heed {

// Compares every row of the other variants with the reference, paired by seed; pairs that were not measured
// alike are left out. Returns how many rows have no row to compare with.
std::size_t compare_with_reference(Comparison& comparison, const Measurement& measurement);

}  // namespace heed
