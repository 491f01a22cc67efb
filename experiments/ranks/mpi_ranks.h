#pragma once

#include <cstddef>
#include <string>

#include "core/communicator.h"

namespace heed {

// Returns why MPI cannot be used: a sentence with the remedy, without its period. Empty if it can.
std::string why_no_mpi();
// Returns the same, or why no ranks can be started on this machine.
std::string why_no_ranks();

// This process as one rank of an MPI job. There is one object of it in a process.
class MpiRanks {
 public:
  static constexpr std::size_t kPiece = std::size_t{1} << 30;  // MPI counts bytes by int

  // Loads MPI and starts it. Messages are sent in pieces of at most `piece` bytes.
  // Throws: heed::Error if there is no MPI, or if the job has another number of ranks.
  explicit MpiRanks(int ranks, std::size_t piece = kPiece);
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;

  Communicator& communicator() { return *communicator_; }

  // Ends MPI in this process. Requires: all ranks do so. Without it, the other ranks end with this process.
  void finish();

  // Ends all ranks at once.
  [[noreturn]] static void abort(int code);

 private:
  Communicator* communicator_ = nullptr;
};

}  // namespace heed
