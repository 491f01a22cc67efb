// The draws of `method: halton`.
#include "experiments/sweep/halton.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/experiments/sweep/sweep_text.h"
#include "tests/message.h"

using namespace heed::test;

namespace {

using heed::PlannedTrial;
using heed::Rng;
using heed::Sweep;
using Points = std::vector<std::vector<double>>;  // in the unit cube

Points halton_points(std::size_t n, std::size_t dimensions, std::uint64_t seed = 0) {
  Points points(n);
  for (std::size_t t = 0; t < n; ++t)
    for (std::size_t d = 0; d < dimensions; ++d)
      points[t].push_back(heed::halton(Rng(seed, fmt::format("d{}", d)), d, t).uniform());
  return points;
}

Points random_points(std::size_t n, std::size_t dimensions, std::uint64_t seed) {
  Points points(n);
  for (std::size_t t = 0; t < n; ++t)
    for (std::size_t d = 0; d < dimensions; ++d)
      points[t].push_back(Rng(seed, fmt::format("d{}", d)).at(t).uniform());
  return points;
}

// The L2 star discrepancy by the formula of Warnock 1972: 0 for points that fill every box from the origin as
// its volume says.
double discrepancy(const Points& points) {
  const auto n = static_cast<double>(points.size());
  const auto dimensions = static_cast<double>(points[0].size());
  double single = 0, pairs = 0;
  for (const auto& x : points) {
    double product = 1;
    for (const double c : x) product *= 1 - c * c;
    single += product;
    for (const auto& y : points) {
      product = 1;
      for (std::size_t d = 0; d < x.size(); ++d) product *= 1 - std::max(x[d], y[d]);
      pairs += product;
    }
  }
  return std::sqrt(std::pow(3, -dimensions) - std::pow(2, 1 - dimensions) / n * single + pairs / (n * n));
}

Sweep search(const std::string& trials, const std::string& more = "") {
  return good(kSmall + "sweep:\n  method: halton\n  trials: " + trials +
              "\n  parameters:\n"
              "    train.lr: {min: 1e-4, max: 1e-2, distribution: log_uniform}\n"
              "    train.batch: {min: 1, max: 3, distribution: int_uniform}\n"
              "    train.clip: [0.5, 1, 1.5, 2, 2.5]\n" +
              more);
}

}  // namespace

TEST_CASE("halton: the unscrambled digits are those of the index in reverse order, permuted") {
  // Points 0 and 1 differ in the last digit of the index, which is the first of the coordinate.
  for (const std::size_t dimension : {0, 1, 2}) {
    const double base = std::vector<double>{2, 3, 5}[dimension];
    const Rng scramble(7, "x");
    const double first = heed::halton(scramble, dimension, 0).uniform();
    for (std::uint64_t t = 1; t < static_cast<std::uint64_t>(base); ++t) {
      const double apart = (heed::halton(scramble, dimension, t).uniform() - first) * base;
      CHECK(apart == Approx(std::round(apart)).margin(1e-12));
      CHECK(std::abs(std::round(apart)) >= 1);
    }
  }
}

TEST_CASE("halton: each interval [i, i+1) / b^k has one of b^k points, whatever the seed") {
  for (const std::uint64_t seed : {0, 1, 2})
    for (const std::size_t dimension : {0, 1, 2, 3}) {
      const std::uint64_t base = std::vector<std::uint64_t>{2, 3, 5, 7}[dimension];
      const std::uint64_t n = base * base * base;
      for (const std::uint64_t begin : {std::uint64_t{0}, 4 * n}) {
        std::set<std::ptrdiff_t> intervals;
        for (std::uint64_t t = begin; t < begin + n; ++t)
          intervals.insert(heed::halton(Rng(seed, "x"), dimension, t).below(static_cast<std::ptrdiff_t>(n)));
        CAPTURE(seed, base, begin);
        CHECK(intervals.size() == n);
        CHECK(*intervals.begin() == 0);
        CHECK(*intervals.rbegin() == static_cast<std::ptrdiff_t>(n) - 1);
      }
    }
}

TEST_CASE("halton: a coordinate is below 1 in the largest base") {
  for (std::uint64_t t = 0; t < 2000; ++t) {
    const heed::Coordinate c = heed::halton(Rng(3, "x"), heed::kHaltonDimensions - 1, t);
    REQUIRE((c.uniform() >= 0 && c.uniform() < 1));
    REQUIRE(c.below(5) < 5);
  }
}

TEST_CASE("halton: the discrepancy is less than half of that of random points") {
  for (const std::size_t dimensions : {2, 4})
    for (const std::size_t n : {64, 500}) {
      double random = 0, halton = 0;
      for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
        random += discrepancy(random_points(n, dimensions, seed));
        halton += discrepancy(halton_points(n, dimensions, seed));
      }
      CAPTURE(dimensions, n, random / 5, halton / 5);
      CHECK(halton < random / 2);
    }
}

TEST_CASE("method halton: more trials, and a parameter at the end, keep the first points") {
  const Sweep thirty = search("30"), fifty = search("50");
  REQUIRE(thirty.trials.size() == 30);
  REQUIRE(fifty.trials.size() == 50);
  CHECK(std::equal(thirty.trials.begin(), thirty.trials.end(), fifty.trials.begin(),
                   [](const PlannedTrial& a, const PlannedTrial& b) { return a.id == b.id; }));
  CHECK(rates(search("30", "    train.beta2: {min: 0.9, max: 0.99}\n")) == rates(thirty));
  CHECK(rates(search("30\n  seed: 1")) != rates(thirty));
}

TEST_CASE("method halton: the points of a search fill the ranges evenly") {
  const Sweep sweep = search("30");  // 30 = 2 * 3 * 5
  int low = 0, small = 0, first = 0;
  for (const PlannedTrial& t : sweep.trials) {
    low += t.config.train.lr < 1e-3;
    small += t.config.train.batch == 1;
    first += t.config.train.clip == 0.5;
  }
  CHECK(low == 15);
  CHECK(small == 10);
  CHECK(first == 6);
}

TEST_CASE("method halton: `together` is its first dimension") {
  const Sweep sweep = good(kSmall +
                           "sweep: {method: halton, trials: 6, together: [{train.batch: 1}, {train.batch: "
                           "2}], parameters: {train.clip: [1, 2, 3]}}\n");
  std::set<std::pair<heed::Index, double>> points;
  for (const PlannedTrial& t : sweep.trials) points.insert({t.config.train.batch, t.config.train.clip});
  CHECK(points.size() == 6);  // every pair once: 2 * 3 points in the bases 2 and 3
}

TEST_CASE("method halton: its mistakes are those of a random search") {
  const auto with = [](const std::string& line) { return wrong(kSmall + line + '\n'); };
  CHECK(missing(with("sweep: {method: halton, parameters: {train.lr: [1]}}"),
                {"f.yaml:3:8: sweep.trials:", "'method: halton' needs the number of trials"}) == "");
  CHECK(missing(with("sweep: {method: halton, trials: 3}"),
                {"f.yaml:3:8: sweep.parameters:", "'method: halton' draws what they name"}) == "");
  CHECK(missing(with("sweep: {method: haltn}"), {"f.yaml:3:17: sweep.method:", "Did you mean 'halton'?"}) ==
        "");
  CHECK(missing(with("sweep: {parameters: {train.lr: {min: 1, max: 2}}}"),
                {"f.yaml:3:32: train.lr:", "'method: halton'"}) == "");
}
