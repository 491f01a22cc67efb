#include "experiments/budget/integer_search.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <vector>

#include "experiments/budget/measured_search.h"
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

TEST_CASE("integer search: the search finds what looking at every number finds") {
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

TEST_CASE("integer search: a value that first moves away from the target is found") {
  // Falls until 8 and then rises, as the FLOPs of block attention.
  const auto valley = [](Index x) -> Value {
    const double size = static_cast<double>(x);
    return 640 / size + 10 * size;
  };
  CHECK(found(700, 1, 1024, valley) == 69);
  CHECK(found(900, 1, 1024, valley) == 89);
  int calls = 0;
  const auto rising = [&](Index x) -> Value { return ++calls, static_cast<double>(x + 50); };
  CHECK(found(7, 1, Index{1} << 40, rising) == 1);
  CHECK(calls < 20);
}

TEST_CASE("integer search: of two equally near numbers the smaller is taken") {
  const auto twice = [](Index x) -> Value { return 2.0 * static_cast<double>(x); };
  CHECK(found(7, 1, 100, twice) == 3);
}

TEST_CASE("integer search: takes few calls, and ends if nothing changes any more") {
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

namespace {

// Times as a machine measures them: off by some percent in either direction, less where care is taken.
class Machine {
 public:
  Machine(std::function<double(Index)> time, std::uint32_t seed) : time_(std::move(time)), bits_(seed) {}
  Value operator()(Index at, bool with_care) {
    const double off = 2 * static_cast<double>(bits_()) / 4294967295.0 - 1;  // from -1 to 1
    ++calls;
    return time_(at) * (1 + (with_care ? 0.005 : 0.03) * off);
  }
  int calls = 0;

 private:
  std::function<double(Index)> time_;
  std::mt19937 bits_;
};

// Where a search from `own` ends, in steps of the target away from it; 1 where it ends nowhere.
double off_by(double target, Index own, Machine machine, const std::function<double(Index)>& time) {
  const heed::MeasuredSearch search =
      heed::search_measured(target, 0.02, {own, *machine(own, true)}, 1, Index{1} << 24,
                            [&](Index at, bool with_care) { return machine(at, with_care); });
  CHECK(machine.calls < 100);
  return search.found ? time(search.found->at) / target - 1 : 1;
}

}  // namespace

TEST_CASE("integer search: a measured search finds what only differs by noise where it is small") {
  // Up to some dozens, a wider feed-forward takes no longer than the noise.
  const auto rising = [](Index x) { return 0.6 + 0.003 * static_cast<double>(x); };
  const auto falling = [](Index x) { return 0.6 + 40.0 / static_cast<double>(x); };
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    for (Index own : {1, 128, 3000}) {
      CHECK(std::abs(off_by(1.0, own, {rising, seed}, rising)) <= 0.026);
      CHECK(std::abs(off_by(1.0, own, {falling, seed}, falling)) <= 0.026);
    }
  }
}

TEST_CASE("integer search: a measured search without a near value ends and reports what it tried") {
  Machine flat([](Index) { return 0.5; }, 1);
  const auto search = [&](Index first, Index last, const heed::Measure& f) {
    return heed::search_measured(1.0, 0.02, {16, 0.5}, first, last, f);
  };
  const auto nothing = search(1, Index{1} << 24, [&](Index at, bool c) { return flat(at, c); });
  CHECK_FALSE(nothing.found);
  CHECK(nothing.tries.size() > 10);
  CHECK(nothing.tries.size() < 40);
  CHECK(flat.calls < 100);
  // Only numbers that divide 32, and none that fits between two of them.
  const auto heads = search(
      1, 4096, [](Index at, bool) { return 32 % at ? Value() : Value(static_cast<double>(at) / 22.0); });
  CHECK_FALSE(heads.found);
  CHECK(heads.tries.at(0).at == 16);
  CHECK(heads.tries.at(1).at == 32);
}
