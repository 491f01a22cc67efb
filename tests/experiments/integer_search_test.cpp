#include "experiments/match/integer_search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <vector>

#include "tests/catch.h"

using heed::Index;
using heed::search_nearest;

namespace {

using Value = std::optional<double>;

Index found(double target, Index first, Index last, const std::function<Value(Index)>& f) {
  const std::vector<heed::Try> tries = search_nearest(target, first, last, f);
  return tries.empty() ? -1 : tries[0].at;
}

// By looking at every number.
Index best(double target, Index first, Index last, const std::function<Value(Index)>& f) {
  Index at = -1;
  double distance = 0;
  for (Index x = first; x <= last; ++x)
    if (const Value v = f(x); v && (at < 0 || std::abs(*v - target) < distance))
      at = x, distance = std::abs(*v - target);
  return at;
}

}  // namespace

TEST_CASE("the search finds what looking at every number finds") {
  const auto rising = [](Index x) -> Value { return 7.0 * static_cast<double>(x) + 3; };
  const auto square = [](Index x) -> Value { return static_cast<double>(x * x); };
  const auto falling = [](Index x) -> Value { return 1000.0 / static_cast<double>(x); };
  const auto in_fours = [](Index x) -> Value { return x % 4 ? Value() : Value(static_cast<double>(x)); };
  const auto divisors = [](Index x) -> Value { return 96 % x ? Value() : Value(static_cast<double>(x)); };
  for (int target = 0; target < 700; target += 3) {
    CAPTURE(target);
    for (const auto& f :
         std::vector<std::function<Value(Index)>>{rising, square, falling, in_fours, divisors})
      CHECK(found(target, 1, 100, f) == best(target, 1, 100, f));
  }
}

TEST_CASE("of two equally near numbers the smaller is taken") {
  const auto twice = [](Index x) -> Value { return 2.0 * static_cast<double>(x); };
  CHECK(found(7, 1, 100, twice) == 3);
}

TEST_CASE("a search takes few calls, and ends where nothing changes any more") {
  int calls = 0;
  const auto counted = [&](Index x) -> Value { return ++calls, static_cast<double>(x); };
  CHECK(found(123456, 1, Index{1} << 24, counted) == 123456);
  CHECK(calls < 50);
  calls = 0;
  const auto saturated = [&](Index x) -> Value {
    return ++calls, static_cast<double>(std::min<Index>(x, 5));
  };
  CHECK(*saturated(found(123456, 1, Index{1} << 24, saturated)) == 5);
  CHECK(calls < 10);
  CHECK(found(3, 1, 10, [](Index) -> Value { return {}; }) == -1);
}
