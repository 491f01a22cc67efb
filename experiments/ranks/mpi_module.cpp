#include "experiments/ranks/mpi_module.h"

#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>

#include <fmt/format.h>

#include "experiments/ranks/lost_rank.h"

namespace heed {
namespace {

constexpr int kTag = 0;

std::string text_of(int error) {
  std::string text(MPI_MAX_ERROR_STRING, '\0');
  int length = 0;
  MPI_Error_string(error, text.data(), &length);
  text.resize(static_cast<std::size_t>(length));
  return text;
}

class MpiRank final : public Communicator {
 public:
  explicit MpiRank(std::size_t piece) : piece_(piece) {
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  int rank() const override { return rank_; }
  int size() const override { return size_; }

 private:
  // The k-th piece that one rank sends meets the k-th piece that the other one receives, so no rank waits for
  // a rank that waits for it.
  void transfer(int to, std::span<const std::byte> out, int from, std::span<std::byte> in) override {
    // A message without bytes is sent, too: the other rank waits for it.
    bool sends = to != kNone, receives = from != kNone;
    while (sends || receives) {
      const auto next_out = out.first(std::min(out.size(), piece_));
      const auto next_in = in.first(std::min(in.size(), piece_));
      MPI_Status status{};
      const int error =
          MPI_Sendrecv(next_out.data(), static_cast<int>(next_out.size()), MPI_BYTE,
                       sends ? to : MPI_PROC_NULL, kTag, next_in.data(), static_cast<int>(next_in.size()),
                       MPI_BYTE, receives ? from : MPI_PROC_NULL, kTag, MPI_COMM_WORLD, &status);
      if (error != MPI_SUCCESS) fail(sends ? to : kNone, receives ? from : kNone, error);
      if (receives) check_size(status, from, next_in.size());
      if (sends) out = out.subspan(next_out.size()), sends = !out.empty();
      if (receives) in = in.subspan(next_in.size()), receives = !in.empty();
    }
  }

  [[noreturn]] void fail(int to, int from, int error) const {
    std::string with;
    if (to != kNone) with += fmt::format(" to rank {}", to);
    if (from != kNone) with += fmt::format("{} from rank {}", to != kNone ? " or" : "", from);
    throw LostRank(fmt::format("rank {}: a message{} failed: {}", rank_, with, text_of(error)));
  }

  void check_size(const MPI_Status& status, int from, std::size_t expected) const {
    int bytes = 0;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    if (static_cast<std::size_t>(bytes) != expected)
      throw Error(
          fmt::format("rank {} sends {} bytes where rank {} expects {}.", from, bytes, rank_, expected));
  }

  const std::size_t piece_;
  int rank_ = 0, size_ = 1;
};

}  // namespace
}  // namespace heed

heed::Communicator* heed_mpi_open(std::size_t piece) {
  int provided = 0;
  if (const int error = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
      error != MPI_SUCCESS)
    throw heed::Error("MPI cannot start: " + heed::text_of(error));
  if (provided < MPI_THREAD_FUNNELED)
    throw heed::Error("this MPI does not work in a process with threads (MPI_THREAD_FUNNELED).");
  return new heed::MpiRank(piece);
}

void heed_mpi_close(heed::Communicator* ranks) {
  MPI_Finalize();
  delete ranks;
}

void heed_mpi_abort(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  std::abort();  // MPI_Abort does not return
}
