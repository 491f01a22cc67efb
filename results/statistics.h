// What a comparison of variants over a few seeds needs of statistics. Every number is a function of its
// arguments alone: what is drawn at random comes from a counter and a fixed seed, and is enumerated where
// that is no more work. docs/comparing.md says what the numbers mean and why these were chosen.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace heed::statistics {

inline constexpr std::size_t kResamples = 10'000;   // of a bootstrap
inline constexpr std::size_t kMostExactPairs = 20;  // a sign-flip test of more pairs draws its flips
inline constexpr std::size_t kRandomFlips = 100'000;
inline constexpr double kLevel = 0.95;  // of intervals

struct Interval {
  double low = std::numeric_limits<double>::quiet_NaN(), high = low;
};

double mean(std::span<const double> x);       // NaN of none
double deviation(std::span<const double> x);  // of a sample (n - 1); NaN for fewer than two

// The middle value, or the mean of the two in the middle. Infinities are values like others.
double median(std::vector<double> x);

// Kaplan and Meier's (1958) median of times of which some never came: those are infinity. As all were watched
// to the end, it is the first time by which half had come; infinity where fewer did.
double median_time(std::vector<double> times);

// Bootstrap interval of the mean: expanded percentiles (Hesterberg 2015), that is, percentiles of resampled
// means at expanded_tail(n) and one minus it. All resamples are enumerated where their number without order,
// (2n-1)!/(n!(n-1)!), is at most `resamples`: 8 values or fewer by default. NaN for fewer than two values.
Interval bootstrap_mean(std::span<const double> x, double level = kLevel, std::size_t resamples = kResamples);

// The share that each end of a bootstrap interval cuts off: Phi(-t sqrt(n / (n-1))) with Student's t of n - 1
// degrees. Plain percentiles (1 - level) / 2 give intervals that are too short: 95 % of 5 normal values cover
// their mean in 83 %, these in 92 %.
double expanded_tail(std::size_t n, double level = kLevel);

// Sign-flip (paired permutation) test that differences are symmetric about 0; the statistic is their sum,
// two-sided (Fisher 1935). Exact over all 2^n flips for n <= kMostExactPairs, else by kRandomFlips drawn ones
// of which the observed is one more (Phipson and Smyth 2010). NaN of none. REQUIRES: finite differences.
double sign_flip_p(std::span<const double> differences);

// The smallest p that sign_flip_p can give: 2 / 2^n where it is exact, 1 for n < 2.
double smallest_p(std::size_t pairs);

// Holm's (1979) adjustment for several tests, in their order. NaN stays NaN and counts as no test.
std::vector<double> holm(std::span<const double> p);

// Effect size of paired differences: Cohen's d_z = mean / deviation, times Hedges' (1981) exact factor, which
// takes away what small samples exaggerate. NaN for fewer than three, or where all differences are one.
double hedges_g(std::span<const double> differences);

// Wilcoxon's (1945) signed ranks: differences of 0 are dropped, equal sizes share their mean rank. Infinity
// ranks above every number.
std::vector<double> signed_ranks(std::span<const double> differences);

// Effect size of signed ranks (Kerby 2014): their sum over the sum of their sizes, from -1 to 1. NaN of none.
double rank_biserial(std::span<const double> ranks);

// Values a and b that were measured in pairs.
struct PairedTest {
  std::size_t pairs = 0;
  double difference = std::numeric_limits<double>::quiet_NaN();  // b - a
  Interval interval;                                             // of the difference
  double p = std::numeric_limits<double>::quiet_NaN();
  double effect = std::numeric_limits<double>::quiet_NaN();
};

// Mean difference, its bootstrap interval, sign-flip test and Hedges' g.
PairedTest compare_means(std::span<const double> a, std::span<const double> b);

// Of times of which some never came (infinity): the median difference without interval, the sign-flip test of
// signed ranks and their rank-biserial correlation. Where both never came there is no difference.
PairedTest compare_times(std::span<const double> a, std::span<const double> b);

}  // namespace heed::statistics
