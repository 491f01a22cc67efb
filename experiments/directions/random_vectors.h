#pragma once

#include <cstdint>
#include <limits>

#include "experiments/directions/theory.h"

namespace heed::directions {

// What random draws gave.
struct Simulated {
  Index repetitions = 0;  // 0: not simulated, and the numbers are NaN
  double mean = std::numeric_limits<double>::quiet_NaN();
  double standard_error = std::numeric_limits<double>::quiet_NaN();  // of the mean
};

// Draws random directions one after another until one is not nearly orthogonal to an earlier one, and counts
// those before it. Repeats that 10,000 times, or as often as about `flops` floating-point operations allow;
// if they allow fewer than 16 repetitions, does nothing. The result does not depend on `threads`.
Simulated simulate_random_vectors(const Setting& s, std::uint64_t seed, double flops, int threads);

}  // namespace heed::directions
