#include "experiments/directions/theory.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>

namespace heed::directions {
namespace {

// A number that is an integer in exact arithmetic may be computed as slightly more or less.
constexpr double kRounding = 1e-9;

double square(double x) { return x * x; }

// The density at x of the cosine of a random pair, and the probability of less than x. In one dimension a
// cosine is 1 or -1.
double cosine_density(double x, Index dim) {
  const double half = 0.5 * static_cast<double>(dim - 1);
  return std::pow(1 - x * x, half - 1) / boost::math::beta(0.5, half);
}

double cosine_below(double x, Index dim) {
  if (x >= 1) return 1;
  if (x <= -1) return 0;
  if (dim == 1) return 0.5;
  return 0.5 + std::copysign(0.5 * boost::math::ibeta(0.5, 0.5 * static_cast<double>(dim - 1), x * x), x);
}

}  // namespace

double largest_cosine(const Setting& s) { return std::sin(s.within * std::numbers::pi / 180); }

double random_pair_fails(const Setting& s) {
  return boost::math::ibetac(0.5, 0.5 * static_cast<double>(s.dim - 1), square(largest_cosine(s)));
}

double random_pair_fits(const Setting& s) {
  return boost::math::ibeta(0.5, 0.5 * static_cast<double>(s.dim - 1), square(largest_cosine(s)));
}

double mean_random_cosine(Index dim) {
  return boost::math::tgamma_delta_ratio(0.5 * static_cast<double>(dim), 0.5) / std::sqrt(std::numbers::pi);
}

// Given the cosine a of the first two directions, the third one is x along the first and y along what the
// second has beside it. y / sqrt(1 - x^2) is the cosine of a random pair in one dimension less:
//     p_3 = E_a E_x P(|a x + sqrt(1 - a^2) y| <= c)    over |a| <= c and |x| <= c
double three_random_fit(const Setting& s) {
  using Gauss = boost::math::quadrature::gauss<double, 30>;
  const double c = largest_cosine(s);
  const auto given_both = [&](double a, double x) {
    const double scale = std::sqrt((1 - a * a) * (1 - x * x));
    return cosine_below((c - a * x) / scale, s.dim - 1) - cosine_below((-c - a * x) / scale, s.dim - 1);
  };
  const auto given_first = [&](double a) {
    return Gauss::integrate([&](double x) { return cosine_density(x, s.dim) * given_both(a, x); }, -c, c);
  };
  return Gauss::integrate([&](double a) { return cosine_density(a, s.dim) * given_first(a); }, -c, c);
}

double expected_random_vectors(const Setting& s) {
  const double q = random_pair_fails(s), p = random_pair_fits(s);
  if (p < 1e-16) return 1;  // a second one hardly ever fits; p^3 below could be 0
  const double log_pair = q < p ? std::log1p(-q) : std::log(p);  // of the one with all its digits
  // The midpoint rule of an integral over a normal density, whose error is below q/8.
  if (q < 1e-10) return std::sqrt(std::numbers::pi / (2 * q));
  const double triple = q < 1e-3 ? 1 : three_random_fit(s) / (p * p * p);
  double sum = 1 + p, term = 1;
  for (double k = 3; term > 1e-16 * sum; ++k) {
    term = std::exp(log_pair * k * (k - 1) / 2) * std::pow(triple, k * (k - 1) * (k - 2) / 6);
    sum += term;
  }
  return sum;
}

double certainly_fit(const Setting& s) {
  return std::max(static_cast<double>(s.dim), std::ceil((1 - kRounding) / random_pair_fails(s)));
}

// Logarithms, because E_k and c^2k underflow together: N <= (1 - c^2k) / E_k / (1 - c^2k / E_k).
double most_that_fit(const Setting& s) {
  constexpr int kMostOrders = 100'000;
  const double log_square = 2 * std::log(largest_cosine(s)), n = static_cast<double>(s.dim);
  double best = std::numeric_limits<double>::infinity(), log_moment = 0;
  for (int k = 1; k <= kMostOrders; ++k) {
    log_moment += std::log((2. * k - 1) / (n + 2. * k - 2));
    const double log_power = k * log_square;
    if (log_moment <= log_power) continue;
    const double bound = -std::expm1(log_power) * std::exp(-log_moment) / -std::expm1(log_power - log_moment);
    if (bound > best && std::isfinite(bound)) break;  // the bounds fall, then rise
    best = std::min(best, bound);
  }
  return std::floor(best * (1 + kRounding));
}

}  // namespace heed::directions
