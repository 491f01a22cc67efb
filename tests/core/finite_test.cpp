#include "core/finite.h"

#include <limits>

#include "tests/catch.h"
#include "tests/core/fast_math.h"

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

static_assert(heed::is_finite(0) && !heed::is_finite(kNaN));

}  // namespace

TEST_CASE("is_finite: detects NaN and infinity by their bits, also in code built with fast math") {
  const auto is_finite = GENERATE(
      +[](double x) { return heed::is_finite(x); }, heed::test::is_finite_in_fast_math);
  for (const double x : {0.0, -0.0, 1.0, -1e308, std::numeric_limits<double>::max(),
                         std::numeric_limits<double>::denorm_min()})
    CHECK(is_finite(x));
  for (const double x : {kNaN, -kNaN, std::numeric_limits<double>::signaling_NaN(), kInfinity, -kInfinity})
    CHECK_FALSE(is_finite(x));
}

TEST_CASE("finite: the standard library's own question is answered wrongly there") {
  CHECK(heed::test::std_is_finite_in_fast_math(kNaN));
  CHECK(heed::test::std_is_finite_in_fast_math(kInfinity));
}
