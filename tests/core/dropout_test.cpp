#include "core/dropout.h"

#include <cmath>
#include <numeric>
#include <vector>

#include "tests/catch.h"

namespace heed {
namespace {

const DropoutStep kStep{.p = 0.3, .seed = 7, .training_step = 11};

// The factors of a row's first n columns.
std::vector<double> factors(const DropoutMask& mask, Index row, std::size_t n) {
  std::vector<double> x(n, 1);
  mask.multiply(row, std::span(x));
  return x;
}

}  // namespace

TEST_CASE("DropoutMask: elements are dropped with probability p, and the mean stays") {
  // 400,000 draws: the standard error of the share is sqrt(p (1-p) / n), about 7e-4 at p = 0.3.
  for (const double p : {0.05, 0.3, 0.5, 0.9}) {
    const DropoutMask mask({.p = p, .seed = 1}, "name", 0);
    double dropped = 0, sum = 0, squares = 0;
    constexpr Index kRows = 400, kColumns = 1000;
    for (Index i = 0; i < kRows; ++i)
      for (const double x : factors(mask, i, kColumns)) {
        REQUIRE((x == 0 || x == 1 / (1 - p)));
        dropped += x == 0, sum += x, squares += x * x;
      }
    const double n = kRows * kColumns, mean = sum / n;
    CHECK(std::abs(dropped / n - p) < 5 * std::sqrt(p * (1 - p) / n));
    CHECK(mean == Approx(1).margin(5 * std::sqrt(p / (1 - p) / n)));
    CHECK(squares / n - mean * mean == Approx(p / (1 - p)).epsilon(0.03));  // the variance of the factors
  }
}

TEST_CASE("DropoutMask: neighbors in a row, a column, a plane and in time are independent") {
  const auto agreement = [](const DropoutMask& a, Index row_a, const DropoutMask& b, Index row_b,
                            Index shift) {
    double same = 0;
    constexpr std::size_t kColumns = 20000;
    const std::vector<double> x = factors(a, row_a, kColumns + 1), y = factors(b, row_b, kColumns + 1);
    for (std::size_t c = 0; c < kColumns; ++c)
      same += (x[c] == 0) == (y[c + static_cast<std::size_t>(shift)] == 0);
    return same / kColumns;
  };
  const DropoutMask mask({.p = 0.5, .seed = 1}, "name", 0), plane({.p = 0.5, .seed = 1}, "name", 1),
      later({.p = 0.5, .seed = 1, .training_step = 1}, "name", 0), other({.p = 0.5, .seed = 1}, "other", 0),
      seed({.p = 0.5, .seed = 2}, "name", 0);
  CHECK(agreement(mask, 0, mask, 0, 0) == 1);
  const double error = 5 * 0.5 / std::sqrt(20000.0);
  CHECK(agreement(mask, 0, mask, 0, 1) == Approx(0.5).margin(error));
  CHECK(agreement(mask, 0, mask, 1, 0) == Approx(0.5).margin(error));
  for (const DropoutMask& m : {plane, later, other, seed})
    CHECK(agreement(mask, 0, m, 0, 0) == Approx(0.5).margin(error));
}

TEST_CASE("DropoutMask: a tile draws the elements of the whole, in whatever order it visits them") {
  const DropoutMask mask(kStep, "name", 3);
  const std::vector<double> whole = factors(mask, 5, 100);
  const std::vector<Index> columns = {3, 4, 7, 8, 50, 49, 96, 3};
  std::vector<double> x(columns.size(), 1);
  struct {
    const std::vector<Index>& at;
    Index operator[](Index c) const { return at[static_cast<std::size_t>(c)]; }
  } chosen{columns};
  mask.multiply(5, chosen, std::span(x));
  for (std::size_t c = 0; c < columns.size(); ++c) CHECK(x[c] == whole[static_cast<std::size_t>(columns[c])]);
}

TEST_CASE("DropoutMask: draws never change, on any machine") {
  const std::vector<double> row = factors(DropoutMask(kStep, "name", 3), 5, 24);
  std::string kept;
  for (const double x : row) kept += x == 0 ? '.' : 'x';
  CHECK(kept == "x..xxxxxxx.xxxxxxx..x..x");
}

TEST_CASE("DropoutMask: without dropout it is false and changes nothing") {
  CHECK_FALSE(DropoutMask());
  CHECK_FALSE(DropoutMask({.p = 0, .seed = 1}, "name", 0));
  CHECK(DropoutMask(kStep, "name", 0));
  CHECK(factors(DropoutMask(), 0, 3) == std::vector<double>{1, 1, 1});
}

TEST_CASE("DropoutMask: a number that is not finite stays one") {
  std::vector<double> x(64, std::nan(""));
  DropoutMask(kStep, "name", 0).multiply(0, std::span(x));
  for (const double one : x) CHECK(std::isnan(one));
}

}  // namespace heed
