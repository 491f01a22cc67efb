#include "experiments/directions/theory.h"

#include <cmath>
#include <numbers>

#include "tests/catch.h"

namespace {

using namespace heed::directions;
using heed::Index;

double sine(double degrees) { return std::sin(degrees * std::numbers::pi / 180); }

TEST_CASE("directions: in two dimensions the angle of a random pair is uniform") {
  for (const double within : {0.5, 1.0, 30.0, 89.0}) {
    CAPTURE(within);
    CHECK(std::abs(random_pair_fits({2, within}) - within / 90) < 1e-14);
    CHECK(std::abs(random_pair_fails({2, within}) - (1 - within / 90)) < 1e-14);
  }
  CHECK(std::abs(mean_random_cosine(2) - 2 / std::numbers::pi) < 1e-15);
}

TEST_CASE("directions: in three dimensions the cosine of a random pair is uniform") {
  // Archimedes: the area of a sphere between two parallel planes is proportional to their distance.
  for (const double within : {0.5, 1.0, 30.0, 89.0}) {
    CAPTURE(within);
    CHECK(std::abs(random_pair_fits({3, within}) - sine(within)) < 1e-14);
  }
  CHECK(std::abs(mean_random_cosine(3) - 0.5) < 1e-15);
}

TEST_CASE("directions: in four dimensions the chance is that of a semicircle") {
  // The density of the cosine c is 2/π sqrt(1 - c^2), with the primitive (arcsin c + c sqrt(1 - c^2)) / π.
  const double c = sine(20), x = std::asin(c) + c * std::sqrt(1 - c * c);
  CHECK(std::abs(random_pair_fits({4, 20}) - 2 / std::numbers::pi * x) < 1e-14);
}

TEST_CASE("directions: in many dimensions a cosine is normal with variance 1/dim") {
  // Two tails of six standard deviations: no digit is lost to 1 - (1 - q).
  constexpr Index dim = 1'000'000;
  const double within = 6e-3 * 180 / std::numbers::pi;
  const double q = random_pair_fails({dim, within}), normal = std::erfc(6 / std::numbers::sqrt2);
  CHECK(std::abs(q / normal - 1) < 1e-3);
  CHECK(std::abs(mean_random_cosine(dim) * 1000 - std::sqrt(2 / std::numbers::pi)) < 1e-6);
}

TEST_CASE("directions: of three random directions in the plane, some pair is within 60 degrees of parallel") {
  for (const double within : {1.0, 20.0, 29.9}) {
    CHECK(three_random_fit({2, within}) == 0);
    CHECK(std::abs(expected_random_vectors({2, within}) - (1 + within / 90)) < 1e-14);
  }
}

TEST_CASE("directions: where a pair hardly ever fits, one random direction is expected") {
  for (const double within : {1e-300, 1e-150, 1e-100, 1e-14})
    for (const Index dim : {Index{2}, Index{4}, Index{1000}}) {
      INFO(within << ' ' << dim);
      CHECK(std::abs(expected_random_vectors({dim, within}) - 1) < 1e-11);
    }
}

TEST_CASE("directions: three pairs of three directions are not independent") {
  // At the right angle the joint density of their cosines, divided by the product of the densities, is
  // ((dim - 2) / 2π) / density(0)^2, with density(0) = 1/2 in three dimensions, and 2/π in four.
  const auto ratio = [](Index dim) {
    return three_random_fit({dim, 0.1}) / std::pow(random_pair_fits({dim, 0.1}), 3);
  };
  CHECK(std::abs(ratio(3) - 2 / std::numbers::pi) < 1e-4);
  CHECK(std::abs(ratio(4) - std::numbers::pi / 4) < 1e-4);
}

TEST_CASE("directions: where the dependence of three is left out, it is not visible") {
  const Setting s{64, 23.6};
  const double p = random_pair_fits(s), q = random_pair_fails(s);
  CHECK((q > 5e-4 && q < 1e-3));
  const double triples = std::pow(expected_random_vectors(s), 3) / 6;
  CHECK(triples * std::abs(std::log(three_random_fit(s) / (p * p * p))) < 1e-3);
}

TEST_CASE("directions: the expected number of random vectors is the sum over k of the chance that k fit") {
  const Setting s{16, 5};  // four fit rarely, and five hardly ever
  const double p = random_pair_fits(s), three = three_random_fit(s), triple = three / (p * p * p);
  const auto fit = [&](double k) {
    return std::pow(p, k * (k - 1) / 2) * std::pow(triple, k * (k - 1) * (k - 2) / 6);
  };
  CHECK(std::abs(fit(3) - three) < 1e-15);
  CHECK(std::abs(expected_random_vectors(s) - (1 + p + three + fit(4) + fit(5) + fit(6))) < 1e-9);
}

TEST_CASE("directions: the sum and its integral agree where one replaces the other") {
  for (const double within :
       {20.0, 22.0, 24.0, 28.0}) {  // q from 7e-7 to 2e-12: the last one by its integral
    const double q = random_pair_fails({200, within});
    CAPTURE(within, q);
    CHECK((q > 1e-10) == (within < 28));
    double sum = 0;
    for (double k = 1; q * k * k < 100; ++k) sum += std::exp(k * (k - 1) / 2 * std::log1p(-q));
    CHECK(std::abs(expected_random_vectors({200, within}) / sum - 1) < 1e-9);
    CHECK(std::abs(std::sqrt(std::numbers::pi / (2 * q)) / sum - 1) < q + 1e-9);
  }
}

TEST_CASE("directions: no set is larger than the known largest sets") {
  // Equiangular lines that meet the bound: three in the plane at 60 degrees, the six diagonals of an
  // icosahedron, 28 lines in seven dimensions with cosine 1/3.
  const auto within = [](double cosine) { return std::asin(cosine) * 180 / std::numbers::pi; };
  CHECK(most_that_fit({2, within(0.5)}) == 3);
  CHECK(most_that_fit({3, within(1 / std::sqrt(5.0))}) == 6);
  CHECK(most_that_fit({7, within(1 / 3.0)}) == 28);
  // Too narrow for more than a basis.
  for (const Index dim : {2, 3, 8, 32}) CHECK(most_that_fit({dim, 1}) == static_cast<double>(dim));
}

TEST_CASE("directions: what certainly fits is at most what fits at all, and grows exponentially") {
  double before = 0;
  for (const Index dim : {2, 4, 8, 16, 64, 256, 1024})
    for (const double within : {1.0, 5.0, 10.0, 30.0}) {
      CAPTURE(dim, within);
      CHECK(certainly_fit({dim, within}) >= static_cast<double>(dim));
      CHECK(certainly_fit({dim, within}) <= most_that_fit({dim, within}));
    }
  for (const Index dim :
       {400, 600, 800, 1000}) {  // each 200 dimensions multiply it by about exp(200 c^2 / 2)
    const double now = std::log(certainly_fit({dim, 20}));
    if (before > 0)
      CHECK(std::abs((now - before) / (200 * -std::log(std::cos(20 * std::numbers::pi / 180))) - 1) < 0.05);
    before = now;
  }
}

}  // namespace
