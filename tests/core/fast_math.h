// Functions in a file that is compiled with -ffast-math, as somebody's library may be.
#pragma once

namespace heed::test {

bool is_finite_in_fast_math(double x);      // heed::is_finite
bool std_is_finite_in_fast_math(double x);  // std::isfinite: wrong there

}  // namespace heed::test
