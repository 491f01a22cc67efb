#include <algorithm>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

TEST_CASE("parity: each label is 1 if the number of ones so far is odd") {
  for (const char* length : {"1", "2", "32", "257"})
    for (const Sequence& s : draw_all(*make_task("parity", {{"length", length}}), Split::train, 50))
      for (std::size_t t = 0; t < s.tokens.size(); ++t) {
        const auto ones = std::count(s.tokens.begin(), s.tokens.begin() + std::ptrdiff_t(t) + 1, 1);
        REQUIRE(s.labels[t] == ones % 2);
      }
}

TEST_CASE("parity: bits are equally likely at every position") {
  std::vector<double> ones(32);
  for (const Sequence& s : draw_all(*make_task("parity"), Split::test, 4000))
    for (std::size_t t = 0; t < ones.size(); ++t) ones[t] += s.tokens[t];
  for (double n : ones) CHECK(std::abs(n - 2000) < 6 * 31.7);  // standard deviations
}

TEST_CASE("parity: data have the golden hashes") {
  CHECK(golden_hash(*make_task("parity")) == 0x1c24c1cdf1ee4629);
  CHECK(golden_hash(*make_task("parity", {{"length", "100"}})) == 0x7c01b5bfba662481);
}
