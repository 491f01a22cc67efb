#include "experiments/run/replay.h"

#include <map>
#include <type_traits>
#include <utility>

#include "experiments/run/rungs.h"

namespace heed {
namespace {

// Returns the log as it was after its first n validations.
TrainLog until(const TrainLog& log, std::size_t n) {
  const auto first = [n](const auto& values) {
    return std::decay_t<decltype(values)>(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(n));
  };
  TrainLog out;
  out.evaluated_at = first(log.evaluated_at);
  out.validation_loss = first(log.validation_loss);
  out.validation_accuracy = first(log.validation_accuracy);
  out.steps = out.evaluated_at.back();
  return out;
}

}  // namespace

std::vector<Replayed> replay(const StopRule& rule, std::span<const TrainLog> contest,
                             std::span<const std::size_t> order) {
  std::vector<Replayed> out(contest.size());
  std::map<Index, std::vector<RungResult>> rungs;  // by step
  for (const std::size_t trial : order) {
    const TrainLog& log = contest[trial];
    Index previous = 0;
    for (std::size_t v = 0; v < log.evaluated_at.size() && out[trial].reason.empty(); ++v) {
      const Index step = log.evaluated_at[v];
      out[trial].steps = step;
      if (step < log.steps && rule.is_rung(std::exchange(previous, step), step)) {
        const RungResult own = result_of(rule, until(log, v + 1));
        const Decision decision = decide(rule, own, rungs[step]);
        rungs[step].push_back(own);
        if (decision.stop) out[trial].reason = decision.reason;
      }
    }
  }
  return out;
}

}  // namespace heed
