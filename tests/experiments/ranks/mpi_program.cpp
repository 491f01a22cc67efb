// One rank of an MPI job, for mpi_ranks_test: mpi_program exchange|wrong_size RANKS PIECE
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "experiments/ranks/mpi_ranks.h"
#include "tests/experiments/ranks/messages.h"

int main(int, char** words) {
  const std::string task = words[1];
  try {
    heed::MpiRanks ranks(std::atoi(words[2]), static_cast<std::size_t>(std::atoll(words[3])));
    heed::Communicator& c = ranks.communicator();
    std::string text;
    if (task == "wrong_size") {
      std::vector<float> x(c.rank() == 0 ? 2 : 3);
      c.pass_on<float>(std::vector<float>(2), x);
      text = fmt::format("rank {}: no error", c.rank());
    } else {
      text = heed::test::exchanged(c);
    }
    fmt::print("{}\n", text);
    std::fflush(stdout);
    ranks.finish();
  } catch (const std::exception& e) {
    fmt::print("error: {}\n", e.what());
    std::fflush(stdout);
    return 3;
  }
}
