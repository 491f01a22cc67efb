#pragma once

#include <vector>

#include "experiments/report/compare/comparison.h"
#include "experiments/report/compare/selection.h"
#include "results/table.h"

namespace heed {

// Keeps of each variant the rows with the value of options.select that is best on validation. Notes what was
// selected, and each variant whose value is the smallest or the largest one tried. Requires: options.select
// is not empty. Throws: heed::Error if there is no such parameter, or if it cannot be selected.
void choose(Comparison& out, std::vector<Group>& groups, const results::Results& results,
            const CompareOptions& options);

}  // namespace heed
