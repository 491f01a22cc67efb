// Notes on what makes a comparison misleading although every number in it is right.
#pragma once

#include "experiments/report/compare/comparison.h"
#include "results/table.h"

namespace heed {

// The relative difference of parameters or FLOPs from which two rows are named as unequal.
inline constexpr double kUnequal = 0.1;

// Notes each variant with trials whose training accuracy is at least kSolved although validation never left
// the plateau of guessing (plateau_step): they know their training set by heart.
void note_memorized(const results::Results& results, Comparison& comparison);

// Notes each variant that is compared with a reference of other size: parameters or training FLOPs differ by
// more than kUnequal. If the sweep matched a budget, only that budget is checked. Metrics of cost are
// compared because they differ, so nothing is noted for them.
void note_unequal(const results::Results& results, Comparison& comparison);

}  // namespace heed
