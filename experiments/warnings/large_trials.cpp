#include "experiments/warnings/large_trials.h"

#include <fmt/format.h>

#include "experiments/trial/estimate.h"
#include "experiments/trial/quantity.h"

namespace heed {
namespace {

// No processor does more: what takes longer at this speed exceeds the limit everywhere.
constexpr double kFlopsPerSecond = 1e12;

std::string gigabytes(double bytes) { return grouped(bytes / 1e9) + " GB"; }
std::string time_text(double seconds) {
  return seconds < 3600 ? fmt::format("{:.3g} s", seconds) : grouped(seconds / 3600) + " h";
}

// The configurations that exceed a limit.
struct Exceeding {
  double limit;  // 0: none
  const PlannedTrial* trial = nullptr;
  double amount = 0;  // of this one, the largest
  std::size_t count = 0;

  void add(const PlannedTrial& t, double more) {
    if (limit <= 0 || more <= limit) return;
    ++count;
    if (more > amount) trial = &t, amount = more;
  }
  // "softmax at lr=1" or "softmax, the largest of 3 configurations,"
  std::string name() const {
    const std::string largest =
        trial->config.variant + (trial->setting.empty() ? "" : " at " + trial->setting);
    return count == 1 ? largest : fmt::format("{}, the largest of {} configurations,", largest, count);
  }
};

// Returns the seconds of a trial on the fastest processor.
double least_seconds(const Estimate& e) { return (e.training_flops + e.evaluation_flops) / kFlopsPerSecond; }

struct Limited {
  Exceeding memory, time;
};

Limited beyond_limits(const Sweep& sweep, const Registry& registry) {
  Estimator estimate(registry);
  Limited out{{sweep.limits.memory_bytes}, {sweep.limits.seconds}};
  for (const PlannedTrial& t : sweep.trials) {
    if (t.config.seed != sweep.trials.front().config.seed) continue;
    const Estimate e = estimate(t.config);
    out.memory.add(t, e.memory_bytes);
    out.time.add(t, least_seconds(e));
  }
  return out;
}

}  // namespace

bool takes_too_long_anywhere(const Sweep& sweep, const Registry& registry) {
  return beyond_limits(sweep, registry).time.count > 0;
}

std::vector<std::string> large_trial_warnings(const Sweep& sweep, const Registry& registry) {
  const auto [memory, time] = beyond_limits(sweep, registry);
  std::vector<std::string> warnings;
  if (memory.count > 0)
    warnings.push_back(fmt::format("{} needs about {} of memory; limits.memory allows {} on this machine.",
                                   memory.name(), gigabytes(memory.amount), gigabytes(memory.limit)));
  if (time.count > 0)
    warnings.push_back(fmt::format("{} takes at least {}, on the fastest processor; limits.time allows {}.",
                                   time.name(), time_text(time.amount), time_text(time.limit)));
  return warnings;
}

}  // namespace heed
