// Statistics for comparing variants over a few seeds. Every result depends only on the arguments: random
// draws come from a counter and a fixed seed, and are replaced by enumeration if that is not more work.
// docs/comparing.md explains the numbers and the choice of methods.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace heed::statistics {

inline constexpr std::size_t kResamples = 10'000;   // resamples of a bootstrap
inline constexpr std::size_t kMostExactPairs = 20;  // with more pairs, a sign-flip test draws random flips
inline constexpr std::size_t kRandomFlips = 100'000;
inline constexpr double kLevel = 0.95;  // confidence level of intervals

struct Interval {
  double low = std::numeric_limits<double>::quiet_NaN(), high = low;
};

double mean(std::span<const double> x);    // NaN if empty
double stddev(std::span<const double> x);  // of a sample (n - 1); NaN for fewer than two

// Returns the middle value, or the mean of the two middle values. Infinities count as values.
double median(std::vector<double> x);

// Kaplan and Meier's (1958) median of censored times; infinity means never. Because all were observed to
// the end, it is the first time by which half of the events had occurred, or infinity if fewer did.
double median_time(std::vector<double> times);

// Bootstrap interval of the mean: expanded percentiles (Hesterberg 2015), that is, percentiles of resampled
// means at expanded_tail(n) and one minus it. All resamples are enumerated if their number without order,
// (2n-1)!/(n!(n-1)!), is at most `resamples`: by default for 8 values or fewer. NaN for fewer than two
// values.
Interval bootstrap_mean(std::span<const double> x, double level = kLevel, std::size_t resamples = kResamples);

// Returns the tail probability of each end of a bootstrap interval: Phi(-t sqrt(n / (n-1))) with Student's
// t of n - 1 degrees of freedom. The usual percentiles (1 - level) / 2 give intervals that are too short:
// for 5 normal values, a 95 % interval covers the mean in 83 % of cases, this one in 92 %.
double expanded_tail(std::size_t n, double level = kLevel);

// Sign-flip (paired permutation) test that differences are symmetric about 0; the statistic is their sum,
// two-sided (Fisher 1935). Exact over all 2^n flips for n <= kMostExactPairs, else over kRandomFlips random
// flips plus the observed one (Phipson and Smyth 2010). NaN if empty. Requires: finite differences.
double sign_flip_p(std::span<const double> differences);

// Returns the smallest p that sign_flip_p can give: 2 / 2^n if it is exact, 1 for n < 2.
double smallest_p(std::size_t pairs);

// Holm's (1979) adjustment for several tests, in their order. NaN stays NaN and does not count as a test.
std::vector<double> holm(std::span<const double> p);

// Effect size of paired differences: Cohen's d_z = mean / stddev, times Hedges' (1981) exact factor, which
// corrects the bias of small samples. NaN for fewer than three differences, or if all are equal.
double hedges_g(std::span<const double> differences);

// Wilcoxon's (1945) signed ranks: differences of 0 are dropped, equal sizes share their mean rank. Infinity
// ranks above every number.
std::vector<double> signed_ranks(std::span<const double> differences);

// Effect size of signed ranks (Kerby 2014): their sum divided by the sum of their sizes, from -1 to 1. NaN
// if empty.
double rank_biserial(std::span<const double> ranks);

// A test of paired values a and b.
struct PairedTest {
  std::size_t pairs = 0;
  double difference = std::numeric_limits<double>::quiet_NaN();  // b - a
  Interval interval;                                             // of the difference
  double p = std::numeric_limits<double>::quiet_NaN();
  double effect = std::numeric_limits<double>::quiet_NaN();
};

// Returns mean difference, its bootstrap interval, sign-flip test and Hedges' g.
PairedTest compare_means(std::span<const double> a, std::span<const double> b);

// For censored times (infinity: never), returns the median difference without interval, the sign-flip test
// of signed ranks and their rank-biserial correlation. Two infinite times count as equal.
PairedTest compare_times(std::span<const double> a, std::span<const double> b);

}  // namespace heed::statistics
