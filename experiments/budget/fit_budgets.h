#pragma once

#include "core/config.h"
#include "core/registry.h"
#include "experiments/budget/step_times.h"
#include "experiments/sweep/sweep.h"

namespace heed {

// Returns the sweep with trials that meet its budget (compare.match): in each variant one integer option is
// changed until the trial is as near to the reference's as possible. Without a budget the sweep is returned
// as it is. Budgets that cannot be met go to `problems`. A budget of step times is measured by `times`, which
// also has what was measured before; if it is null, nothing is measured or changed for it. Requires: the
// sweep was read without problems.
Sweep fit_budgets(Sweep sweep, const Registry& registry, StepTimes* times, Problems& problems);

}  // namespace heed
