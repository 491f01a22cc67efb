#include "core/rng.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "core/error.h"
#include "tests/catch.h"

namespace heed {

// Computed by another implementation (numpy.random.Philox with counter (0, index, step, 0) and key (seed,
// XXH64(name))), whose rounds give the published test vectors of Random123.
TEST_CASE("rng: a stream contains the published numbers of Philox") {
  Draws draws = Rng(42, "golden").at(7, 3);
  for (const std::uint64_t expected :
       {0xdf063a62ac45f708U, 0x16cd5ab69cbc5e87U, 0x10fec0d00bc47ebfU, 0xef384f5c3d5b7553U,
        0x5b684e1241ecf36aU, 0xe8208e444af127d4U, 0x7a6df0c8d0755dfbU, 0x4b2242108f5bcc34U})
    CHECK(draws() == expected);
}

TEST_CASE("rng: distributions give the same numbers as in earlier versions") {
  Draws draws = Rng(42, "golden").at(7, 3);
  CHECK(draws.uniform() == 0xdf063a62ac45f708p-64);  // the first number above
  CHECK(draws.normal() == Approx(0.13293496982877501).epsilon(1e-14));
  CHECK(draws.below(1000) == 66);
  CHECK_FALSE(draws.chance(0.5));
  CHECK(draws.sample(10, 4) == std::vector<std::ptrdiff_t>{3, 9, 5, 2});
}

TEST_CASE("rng: drawing a few distinct numbers of many takes time for a few") {
  Draws draws = Rng(42, "golden").at(7, 3);
  const std::vector<std::ptrdiff_t> few = draws.sample(std::ptrdiff_t{1} << 50, 3);  // a list would not fit
  CHECK(std::set<std::ptrdiff_t>(few.begin(), few.end()).size() == 3);
}

TEST_CASE("rng: seed, name, step and index each select another stream") {
  std::set<std::uint64_t> first;
  for (const std::uint64_t seed : {1U, 2U})
    for (const char* name : {"data", "init"})
      for (const std::uint64_t step : {0U, 1U, 2U})
        for (const std::uint64_t index : {0U, 1U, 2U}) first.insert(Rng(seed, name).at(step, index)());
  CHECK(first.size() == 2 * 2 * 3 * 3);
}

TEST_CASE("rng: draws do not depend on earlier draws") {
  const Rng rng(9, "order");
  Draws forth = rng.at(5, 2);
  const std::uint64_t expected = forth();
  for (int i = 0; i < 100; ++i) Draws(rng.at(4, 2))();
  CHECK(Rng(9, "order").at(5, 2)() == expected);
  CHECK(rng.at(5, 2)() == expected);
}

TEST_CASE("rng: uniform numbers fill [0, 1) evenly") {
  Draws draws = Rng(3, "uniform").at(0);
  constexpr int n = 100000, bins = 10;
  std::vector<int> counts(bins);
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    const double u = draws.uniform();
    REQUIRE((0 <= u && u < 1));
    ++counts[static_cast<std::size_t>(bins * u)];
    sum += u;
  }
  CHECK(std::abs(sum / n - 0.5) < 4 / std::sqrt(12.0 * n));  // four deviations
  for (const int c : counts) CHECK(std::abs(c - n / bins) < 4 * std::sqrt(n * 0.1 * 0.9));
}

TEST_CASE("rng: normal numbers have mean 0, standard deviation 1 and thin tails") {
  Draws draws = Rng(4, "normal").at(0);
  constexpr int n = 100000;
  double sum = 0, squares = 0;
  int beyond2 = 0;
  for (int i = 0; i < n; ++i) {
    const double x = draws.normal();
    sum += x, squares += x * x, beyond2 += std::abs(x) > 2;
  }
  CHECK(std::abs(sum / n) < 4 / std::sqrt(double(n)));
  CHECK(std::abs(squares / n - 1) < 4 * std::sqrt(2.0 / n));
  CHECK(beyond2 / double(n) == Approx(0.0455).epsilon(0.06));
}

TEST_CASE("rng: integers below a bound are equally likely and in range") {
  Draws draws = Rng(5, "below").at(0);
  constexpr int n = 70000;
  std::vector<int> counts(7);
  for (int i = 0; i < n; ++i) ++counts.at(static_cast<std::size_t>(draws.below(7)));
  for (const int c : counts) CHECK(std::abs(c - n / 7) < 4 * std::sqrt(n / 7.0));
  CHECK(draws.below(1) == 0);
}

TEST_CASE("rng: an event of probability 0 never occurs, one of probability 1 always") {
  Draws draws = Rng(6, "chance").at(0);
  int never = 0, always = 0, thirds = 0;
  for (int i = 0; i < 30000; ++i) {
    never += draws.chance(0), always += draws.chance(1), thirds += draws.chance(1.0 / 3);
  }
  CHECK(never == 0);
  CHECK(always == 30000);
  CHECK(std::abs(thirds - 10000) < 4 * std::sqrt(30000 * 2.0 / 9));
}

TEST_CASE("rng: a sample has distinct numbers, and every order is equally likely") {
  Draws draws = Rng(7, "sample").at(0);
  for (std::ptrdiff_t k = 0; k <= 20; ++k) {
    const std::vector<std::ptrdiff_t> s = draws.sample(20, k);
    CHECK(static_cast<std::ptrdiff_t>(std::set(s.begin(), s.end()).size()) == k);
    for (const std::ptrdiff_t x : s) CHECK((0 <= x && x < 20));
  }
  std::vector<int> seen(9);  // pairs of 0, 1, 2: six orders
  for (int i = 0; i < 6000; ++i) {
    const auto s = draws.sample(3, 2);
    ++seen[static_cast<std::size_t>(3 * s[0] + s[1])];
  }
  for (std::size_t pair = 0; pair < 9; ++pair)
    CHECK(std::abs(seen[pair] - (pair % 4 == 0 ? 0 : 1000)) < 4 * std::sqrt(1000.0));
  CHECK_THROWS_AS(draws.sample(3, 4), Bug);
}

}  // namespace heed
