#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "experiments/budget/integer_search.h"

namespace heed {

// Measures the value at an integer, quickly or with care (more repetitions). Returns nullopt if there is no
// value.
using Measure = std::function<std::optional<double>(Index at, bool with_care)>;

struct MeasuredSearch {
  std::optional<Try> found;  // measured with care, and within the tolerance
  std::vector<Try> tries;    // each number once, the nearest first
};

// Searches an integer in first .. last whose measured value is within a relative `tolerance` of a target.
// Measurements vary, and the best of many tries is partly luck. Therefore the target counts as crossed only
// if a value is clearly beyond it; numbers are doubled or halved from `own`, which was already measured
// with care; and the result is measured again, with care. If that misses the tolerance, the search starts
// again from there, with care throughout.
MeasuredSearch search_measured(double target, double tolerance, const Try& own, Index first, Index last,
                               const Measure& measure);

}  // namespace heed
