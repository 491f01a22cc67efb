#pragma once

#include <optional>

#include "experiments/report/compare/comparison.h"
#include "experiments/report/compare/measurement.h"

namespace heed {

// Returns the comparison of each row's mean over all tasks, as the score of MAD (Poli et al. 2024). A seed
// counts if it has a value in every task; pairs of seeds are compared. Settings that are selected or matched
// for each task may differ between tasks. Returns nullopt if there are fewer than two tasks, if a mean of the
// metric says nothing, or if a row has several settings of one task.
std::optional<Comparison> over_tasks(const Comparison& comparison, const Measurement& measurement);

}  // namespace heed
