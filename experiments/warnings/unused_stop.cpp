#include "experiments/warnings/unused_stop.h"

#include <algorithm>
#include <limits>
#include <map>
#include <vector>

#include <fmt/format.h>

namespace heed {
namespace {

// Is a trial validated at or after the first rung, and before its last step?
bool reaches_rung(const TrainOptions& train, const StopRule& rule) {
  const Index every = train.evaluation_interval();
  return (rule.after + every - 1) / every * every < train.steps;
}

// Does the rule stop a trial that is worse than all others of a contest with so many trials?
bool can_stop(const StopRule& rule, std::size_t trials) {
  constexpr double kWorst = std::numeric_limits<double>::quiet_NaN();
  const std::vector<RungResult> others(trials - 1);
  return decide(rule, {kWorst, kWorst, kWorst, true}, others).stop;
}

}  // namespace

std::vector<std::string> unused_stop_warnings(const Sweep& sweep) {
  if (!sweep.stop || sweep.trials.empty()) return {};
  const StopRule& rule = sweep.stop->rule;
  if (std::ranges::none_of(sweep.trials,
                           [&](const PlannedTrial& t) { return reaches_rung(t.config.train, rule); }))
    return {fmt::format(
        "sweep.stop stops no trial: none is validated at or after step {} and before its last step. Decrease "
        "sweep.stop.after or train.evaluate_every, or increase train.steps.",
        rule.after)};
  std::map<std::string, std::size_t> contests;
  std::size_t most = 0;
  for (const PlannedTrial& t : sweep.trials)
    most = std::max(most, ++contests[contest_text(t.config, *sweep.stop)]);
  std::size_t needed = most;
  while (!can_stop(rule, needed)) ++needed;
  if (needed == most) return {};
  return {fmt::format(
      "sweep.stop stops no trial: the rule '{}'{} needs {} competing trials, and {} compete. Add values of "
      "{}{}.",
      rule.rule, rule.rule == "halving" ? fmt::format(" with factor {:g}", rule.factor) : "", needed, most,
      fmt::join(sweep.stop->chosen, ", "), rule.rule == "halving" ? ", or decrease sweep.stop.factor" : "")};
}

}  // namespace heed
