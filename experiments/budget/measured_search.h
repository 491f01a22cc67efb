#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "experiments/budget/integer_search.h"

namespace heed {

// Measures what an integer leads to, quickly or with care; nothing where it leads to nothing.
using Measure = std::function<std::optional<double>(Index at, bool with_care)>;

struct MeasuredSearch {
  std::optional<Try> found;  // measured with care, within the tolerance
  std::vector<Try> tries;    // each number once, the nearest first
};

// Looks for an integer in first .. last at which what is measured comes within a share `tolerance` of a
// target. No value comes out twice the same, and of many tries the best is also the luckiest. So the target
// counts as crossed only where a value is clearly beyond it; numbers are doubled or halved from `own`, the
// first of which is measured with care already, however far away they look; and what is found is measured
// again, with care. Where that misses, the search begins anew from there, with care throughout.
MeasuredSearch search_measured(double target, double tolerance, const Try& own, Index first, Index last,
                               const Measure& measure);

}  // namespace heed
