#include "experiments/budget/fit_budgets.h"

#include <optional>
#include <utility>

#include "experiments/budget/matcher.h"

namespace heed {

Sweep fit_budgets(Sweep sweep, const Registry& registry, StepTimes* times, Problems& problems) {
  if (!sweep.match.on()) return sweep;
  if (times) times->limits = sweep.limits;
  Matcher matcher(sweep.match, sweep.variants, registry, times, problems);
  const auto solve = [&](const SweepPoint& point,
                         const VariantEntry& variant) -> std::optional<PlannedTrial> {
    auto solution = matcher(point, variant);
    if (!solution) return std::nullopt;  // the problems say why
    return PlannedTrial{.config = std::move(solution->trial), .matched = std::move(solution->matched)};
  };
  sweep.trials = plan_trials(sweep, solve, problems);
  sweep.compare.planned = sweep.trials.size();
  return sweep;
}

}  // namespace heed
