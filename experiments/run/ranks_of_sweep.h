#pragma once

#include <cstddef>
#include <string>

#include "experiments/sweep/sweep.h"

namespace heed {

// Returns the number of processes that train a trial together (train.context_parallel).
std::size_t ranks_of(const TrialConfig& trial);
// Returns the largest number of a sweep.
std::size_t most_ranks(const Sweep& sweep);

// Returns a sentence with the remedy, if trials of the sweep need several ranks and heed has no MPI, or this
// machine, where they are to be started, has no program that starts them. Empty if they can be started.
enum class Where { here, in_a_job };
std::string missing_mpi(const Sweep& sweep, Where where = Where::here);
// Throws: heed::Error with that sentence, if there is one.
void refuse_missing_mpi(const Sweep& sweep, Where where = Where::here);

// Throws: heed::Error with the remedy, if there is no MPI, or if a trial has more ranks than `jobs`, which
// says how many processes may run side by side.
void refuse_impossible_ranks(const Sweep& sweep, int jobs);

}  // namespace heed
