#include "experiments/directions/random_vectors.h"

#include <cmath>

#include "tests/catch.h"

namespace {

using namespace heed::directions;

TEST_CASE("random directions: the simulation agrees with the formula within its standard error") {
  // With independent pairs the formula would be off by 8, 5 and 4 standard errors at the first three
  // settings.
  for (const Setting s :
       {Setting{2, 30}, Setting{3, 27}, Setting{16, 20}, Setting{2, 1}, Setting{3, 5}, Setting{16, 5},
        Setting{64, 5}, Setting{64, 10}, Setting{128, 10}, Setting{100, 15}}) {
    CAPTURE(s.dim, s.within);
    const Simulated simulated = simulate_random_vectors(s, 0, 2e10, 1);
    REQUIRE(simulated.repetitions > 100);
    CHECK(std::abs(simulated.mean - expected_random_vectors(s)) < 3.5 * simulated.standard_error);
    CHECK(simulated.standard_error < 0.05 * simulated.mean);
  }
}

TEST_CASE("random directions: a simulation ends before its work does, or is left out") {
  const Setting s{1024, 10};  // thousands of directions fit
  const Simulated none = simulate_random_vectors(s, 0, 1e9, 1);
  CHECK(none.repetitions == 0);
  CHECK((std::isnan(none.mean) && std::isnan(none.standard_error)));
  CHECK(simulate_random_vectors({2, 1}, 0, 1e12, 1).repetitions == 10'000);
}

TEST_CASE("random directions: the same for any number of threads, another for another seed") {
  const Setting s{32, 10};
  const Simulated one = simulate_random_vectors(s, 7, 1e8, 1), three = simulate_random_vectors(s, 7, 1e8, 3);
  CHECK((one.mean == three.mean && one.standard_error == three.standard_error));
  CHECK(simulate_random_vectors(s, 8, 1e8, 1).mean != one.mean);
}

}  // namespace
