#include "tests/core/fast_math.h"

#include <cmath>

#include "core/finite.h"

namespace heed::test {

bool is_finite_in_fast_math(double x) { return is_finite(x); }
bool std_is_finite_in_fast_math(double x) { return std::isfinite(x); }

}  // namespace heed::test
