#include "experiments/warnings/large_trials.h"

#include <fmt/format.h>

#include "experiments/trial/estimate.h"
#include "experiments/trial/quantity.h"

namespace heed {
namespace {

// No processor does more: what takes longer at this speed exceeds the limit everywhere.
constexpr double kFlopsPerSecond = 1e12;

std::string gigabytes(double bytes) { return grouped(bytes / 1e9) + " GB"; }
std::string hours(double seconds) { return grouped(seconds / 3600) + " h"; }

struct Largest {
  const PlannedTrial* trial = nullptr;
  double amount = 0;
  void add(const PlannedTrial& t, double more) {
    if (more > amount) trial = &t, amount = more;
  }
  std::string name() const {
    return trial->config.variant + (trial->setting.empty() ? "" : " at " + trial->setting);
  }
};

}  // namespace

std::vector<std::string> large_trial_warnings(const Sweep& sweep, const Registry& registry) {
  Estimator estimate(registry);
  Largest memory, time;
  for (const PlannedTrial& t : sweep.trials) {
    if (t.config.seed != sweep.trials.front().config.seed) continue;
    const Estimate e = estimate(t.config);
    memory.add(t, e.memory_bytes);
    time.add(t, (e.training_flops + e.evaluation_flops) / kFlopsPerSecond);
  }
  std::vector<std::string> warnings;
  const Limits& limits = sweep.limits;
  if (limits.memory_bytes > 0 && memory.amount > limits.memory_bytes)
    warnings.push_back(fmt::format("{} needs about {} of memory; limits.memory allows {} on this machine.",
                                   memory.name(), gigabytes(memory.amount), gigabytes(limits.memory_bytes)));
  if (limits.seconds > 0 && time.amount > limits.seconds)
    warnings.push_back(fmt::format("{} takes at least {}, on the fastest processor; limits.time allows {}.",
                                   time.name(), hours(time.amount), hours(limits.seconds)));
  return warnings;
}

}  // namespace heed
