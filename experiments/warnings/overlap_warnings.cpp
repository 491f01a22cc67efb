#include "experiments/warnings/overlap_warnings.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "experiments/trial/quantity.h"
#include "experiments/warnings/overlap.h"

namespace heed {

namespace {

// Two significant digits, without an exponent: 3812345 is 3,800,000.
std::string rounded(double x) {
  const double unit = std::pow(10, std::max(0.0, std::floor(std::log10(x)) - 1));
  return grouped(std::round(x / unit) * unit);
}

}  // namespace

std::vector<std::string> overlap_warnings(const Sweep& sweep, const Registry& registry) {
  constexpr double kReported = 0.01;
  std::map<std::string, const PlannedTrial*> longest;  // the one that trains on most, for each task
  const auto sequences = [](const PlannedTrial& t) {
    const Index read = t.config.train.steps * t.config.train.batch, fixed = t.config.train_sequences;
    return fixed > 0 ? std::min(fixed, read) : read;
  };
  for (const PlannedTrial& t : sweep.trials) {
    const PlannedTrial*& at = longest[t.config.task.name + ' ' + t.config.task.options.canonical()];
    if (!at || sequences(t) > sequences(*at)) at = &t;
  }
  std::vector<std::string> warnings;
  for (const auto& [text, trial] : longest) {
    const Choice& choice = trial->config.task;
    const auto task = registry.task(choice.name).make(choice.options, 0);
    const Overlap overlap = estimate_overlap(*task, sequences(*trial));
    if (overlap.share < kReported) continue;
    warnings.push_back(fmt::format(
        "about {:.0f} % of the test sequences also occur among the {} training sequences, because this task "
        "has only about {} different ones. The test then also measures memorization. Choose options with "
        "more sequences, or train on fewer. The task is {}.",
        100 * overlap.share, grouped(static_cast<double>(sequences(*trial))), rounded(overlap.different),
        text));
  }
  return warnings;
}

}  // namespace heed
