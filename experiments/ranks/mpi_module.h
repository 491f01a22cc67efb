// The functions of libheed_mpi.so, which mpi_ranks.cpp loads.
#pragma once

#include <cstddef>

#include "core/communicator.h"

extern "C" {

// Starts MPI in this process, which `mpirun` or `srun` has started as one rank of a job, and returns the
// communicator of all its ranks. Messages are sent in pieces of at most `piece` bytes. Throws: heed::Error.
heed::Communicator* heed_mpi_open(std::size_t piece);

// Ends MPI. Requires: all ranks do so.
void heed_mpi_close(heed::Communicator* ranks);

// Ends all ranks of the job at once, with this exit code.
[[noreturn]] void heed_mpi_abort(int code);
}
