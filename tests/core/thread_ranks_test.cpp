#include "core/thread_ranks.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"
#include "tests/catch.h"

namespace heed {
namespace {

using namespace std::chrono_literals;

// Every rank's number, in the order of ranks.
std::vector<double> of_ranks(int ranks, const std::function<double(Communicator&)>& number) {
  std::vector<double> out(static_cast<std::size_t>(ranks));
  run_ranks(ranks, [&](Communicator& c) { out[static_cast<std::size_t>(c.rank())] = number(c); });
  return out;
}

}  // namespace

TEST_CASE("ranks: a ring passes each rank's numbers to the next one") {
  for (const int ranks : {1, 2, 3, 5}) {
    CAPTURE(ranks);
    const std::vector<double> got = of_ranks(ranks, [](Communicator& c) {
      const double own = 10 + c.rank();
      double from_before = 0;
      c.pass_on(std::span(&own, 1), std::span(&from_before, 1));
      return from_before;
    });
    for (int r = 0; r < ranks; ++r) CHECK(got[static_cast<std::size_t>(r)] == 10 + (r + ranks - 1) % ranks);
  }
}

TEST_CASE("ranks: a sum is added in the order of ranks, on every rank with the same bits") {
  // 1e16 + 1 rounds to 1e16, so another order has another result.
  const std::array<double, 4> numbers = {1, 1e16, -1e16, 1};
  for (const int ranks : {1, 2, 3, 4})
    for (const std::size_t size : {std::size_t{1}, std::size_t{4096}, std::size_t{9000}}) {
      CAPTURE(ranks, size);
      const double wanted = std::accumulate(numbers.begin(), numbers.begin() + ranks, 0.0);
      std::mutex mutex;
      std::uint64_t bytes = 0;
      run_ranks(ranks, [&](Communicator& c) {
        std::vector<double> x(size, numbers[static_cast<std::size_t>(c.rank())]);
        c.sum(std::span(x));
        const std::scoped_lock lock(mutex);
        CHECK(x == std::vector<double>(size, wanted));
        bytes += c.bytes_sent();
      });
      CHECK(bytes == 2 * static_cast<std::uint64_t>(ranks - 1) * size * sizeof(double));
    }
}

TEST_CASE("ranks: gathering gives every rank the numbers of all, also of ranks that have none") {
  const std::vector<Index> counts = {2, 0, 3, 1};
  std::mutex mutex;
  run_ranks(4, [&](Communicator& c) {
    const Index first = std::accumulate(counts.begin(), counts.begin() + c.rank(), Index(0));
    std::vector<float> all(6, -1);
    for (Index i = first; i < first + counts[static_cast<std::size_t>(c.rank())]; ++i)
      all[static_cast<std::size_t>(i)] = static_cast<float>(i);
    c.gather<float>(counts, all);
    const std::scoped_lock lock(mutex);
    CHECK(all == std::vector<float>{0, 1, 2, 3, 4, 5});
  });
}

TEST_CASE("ranks: only what is sent to another rank is counted") {
  const std::vector<double> bytes = of_ranks(2, [](Communicator& c) {
    std::vector<float> x(3);
    if (c.rank() == 0)
      c.send<float>(1, x);
    else
      c.receive<float>(0, x);
    return static_cast<double>(c.bytes_sent());
  });
  CHECK(bytes == std::vector<double>{12, 0});
}

TEST_CASE("ranks: if one fails, the others end and its exception is thrown") {
  const auto fail = [](Communicator& c) {
    if (c.rank() == 1) throw std::runtime_error("the disk of rank 1 is full");
    double x = 0;
    c.sum(std::span(&x, 1));
  };
  CHECK_THROWS_WITH(run_ranks(3, fail), "the disk of rank 1 is full");
}

TEST_CASE("ranks: a rank that ends too early is an error of the one that waits for it") {
  const auto leave = [](Communicator& c) {
    double x = 0;
    if (c.rank() == 0) c.receive(1, std::span(&x, 1));
  };
  CHECK_THROWS_WITH(run_ranks(2, leave), "rank 1 ended while rank 0 waits for it.");
}

TEST_CASE("ranks: two that wait for each other end after the limit") {
  const auto wait = [](Communicator& c) {
    double x = 0;
    c.receive(1 - c.rank(), std::span(&x, 1));
  };
  CHECK_THROWS_WITH(run_ranks(2, wait, 20ms), ContainsSubstring("has waited 20 ms for rank"));
}

TEST_CASE("ranks: one that sleeps too long is an error, and cannot go on afterwards") {
  std::string of_sleeper;
  const auto sleep = [&](Communicator& c) {
    double x = 0;
    if (c.rank() == 0) return c.receive(1, std::span(&x, 1));
    std::this_thread::sleep_for(200ms);
    try {
      c.send<double>(0, std::span(&x, 1));
    } catch (const Error& e) {
      of_sleeper = e.what();
    }
  };
  CHECK_THROWS_WITH(run_ranks(2, sleep, 20ms), "rank 0 has waited 20 ms for rank 1.");
  CHECK(of_sleeper == "rank 0 is lost.");
}

TEST_CASE("ranks: a message of another size than expected is an error") {
  const auto send = [](Communicator& c) {
    std::vector<double> x(c.rank() == 0 ? 2 : 3);
    if (c.rank() == 0) return c.send<double>(1, x);
    c.receive<double>(0, x);
  };
  CHECK_THROWS_WITH(run_ranks(2, send), "rank 0 sends 16 bytes where rank 1 expects 24.");
}

}  // namespace heed
