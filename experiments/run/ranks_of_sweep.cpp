#include "experiments/run/ranks_of_sweep.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/error.h"
#include "experiments/ranks/mpi_ranks.h"
#include "experiments/trial/quantity.h"

namespace heed {

std::size_t ranks_of(const TrialConfig& trial) {
  return static_cast<std::size_t>(trial.train.context_parallel);
}

std::size_t most_ranks(const Sweep& sweep) {
  std::size_t most = 1;
  for (const PlannedTrial& t : sweep.trials) most = std::max(most, ranks_of(t.config));
  return most;
}

std::string missing_mpi(const Sweep& sweep, Where where) {
  const std::size_t ranks = most_ranks(sweep);
  if (ranks == 1) return "";
  const std::string why = where == Where::here ? why_no_ranks() : why_no_mpi();
  return why.empty() ? "" : fmt::format("train.context_parallel={} is not possible here: {}.", ranks, why);
}

void refuse_missing_mpi(const Sweep& sweep, Where where) {
  if (const std::string why = missing_mpi(sweep, where); !why.empty()) throw Error(why);
}

void refuse_impossible_ranks(const Sweep& sweep, int jobs) {
  refuse_missing_mpi(sweep);
  const std::size_t ranks = most_ranks(sweep);
  if (ranks > static_cast<std::size_t>(jobs) && ranks > 1)
    throw Error(fmt::format(
        "train.context_parallel={0} needs {0} processes at a time, but at most {1} may run side by side (-j; "
        "default: the number of cores). Use at most {2}, or -j {0} to let ranks share cores.",
        ranks, jobs, count_text(static_cast<std::size_t>(jobs), "rank")));
}

}  // namespace heed
