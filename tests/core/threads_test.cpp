#include "core/threads.h"

#include <numeric>
#include <stdexcept>
#include <vector>

#include "tests/catch.h"

namespace heed {

TEST_CASE("threads: every task runs once, on a worker that exists") {
  for (const int threads : {1, 2, 5})
    for (const Index n : {0, 1, 3, 100}) {
      CAPTURE(threads, n);
      std::vector<int> runs(static_cast<std::size_t>(n)), worker(runs.size(), -1);
      parallel_for(threads, n, [&](Index i, int w) {
        ++runs[static_cast<std::size_t>(i)];
        worker[static_cast<std::size_t>(i)] = w;
      });
      for (const int r : runs) CHECK(r == 1);
      for (const int w : worker) CHECK((0 <= w && w < threads));
    }
}

TEST_CASE("threads: an exception of a task reaches the caller, the one of the lowest index first") {
  for (const int threads : {1, 2, 5})
    for (int round = 0; round < 20; ++round) {
      CAPTURE(threads, round);
      const auto fail_late = [](Index i, int) {
        if (i % 10 == 7) throw std::runtime_error("task " + std::to_string(i));
      };
      CHECK_THROWS_WITH(parallel_for(threads, 100, fail_late), "task 7");
    }
}

TEST_CASE("threads: after an exception the next loop runs as ever") {
  CHECK_THROWS_AS(parallel_for(2, 4, [](Index, int) { throw 1; }), int);
  std::vector<Index> seen(4);
  parallel_for(2, 4, [&](Index i, int) { seen[static_cast<std::size_t>(i)] = i; });
  CHECK(seen == std::vector<Index>{0, 1, 2, 3});
}

TEST_CASE("threads: a sum through one slot a task has the same bits for any number of threads") {
  const auto sum = [](int threads) {
    std::vector<float> slots(1000);
    parallel_for(threads, 1000, [&](Index i, int) {
      slots[static_cast<std::size_t>(i)] = 1.0F / static_cast<float>(1 + i * i % 97);
    });
    return std::accumulate(slots.begin(), slots.end(), 0.0F);
  };
  CHECK(sum(2) == sum(1));
  CHECK(sum(5) == sum(1));
}

TEST_CASE("threads: a sum through one slot a worker has not: the rule is needed") {
  const auto sum = [](int threads) {
    std::vector<float> slots(static_cast<std::size_t>(threads));
    parallel_for(threads, 1000, [&](Index i, int w) {
      slots[static_cast<std::size_t>(w)] += 1.0F / static_cast<float>(1 + i * i % 97);
    });
    return std::accumulate(slots.begin(), slots.end(), 0.0F);
  };
  CHECK((sum(2) != sum(1) || sum(5) != sum(1)));
}

}  // namespace heed
