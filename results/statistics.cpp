#include "results/statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace heed::statistics {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Counter-based random numbers: the n-th output of SplitMix64 (Steele, Lea and Flood 2014).
class Words {
 public:
  explicit Words(std::uint64_t seed) : seed_(seed) {}
  std::uint64_t operator()(std::uint64_t n) const {
    std::uint64_t z = seed_ + (n + 1) * 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t bound, std::uint64_t n) const { return ((*this)(n) >> 32) * bound >> 32; }

 private:
  std::uint64_t seed_;
};

constexpr std::uint64_t kResampleSeed = 1, kFlipSeed = 2;

struct Weighted {
  double value, share;
};

// Enumerates the means of n values drawn with replacement, with their probabilities: one for each multiset.
class Multisets {
 public:
  explicit Multisets(std::span<const double> x) : x_(x) {
    const auto n = static_cast<double>(x.size());
    // Multinomial: n! / (k_1! ... k_n!) / n^n.
    visit(0, x.size(), 0, std::lgamma(n + 1) - n * std::log(n));
  }
  std::vector<Weighted> take() { return std::move(means_); }

 private:
  void visit(std::size_t i, std::size_t left, double sum, double log_share) {
    if (i + 1 == x_.size() || left == 0) {
      if (left > 0) sum += static_cast<double>(left) * x_[i];
      log_share -= std::lgamma(static_cast<double>(left) + 1);
      means_.push_back({sum / static_cast<double>(x_.size()), std::exp(log_share)});
      return;
    }
    for (std::size_t k = 0; k <= left; ++k) {
      const auto count = static_cast<double>(k);
      visit(i + 1, left - k, sum + count * x_[i], log_share - std::lgamma(count + 1));
    }
  }

  std::span<const double> x_;
  std::vector<Weighted> means_;
};

std::vector<Weighted> drawn_means(std::span<const double> x, std::size_t resamples) {
  const Words words(kResampleSeed);
  std::vector<Weighted> means(resamples);
  for (std::size_t r = 0; r < resamples; ++r) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += x[words.below(x.size(), r * x.size() + i)];
    means[r] = {sum / static_cast<double>(x.size()), 1 / static_cast<double>(resamples)};
  }
  return means;
}

// Returns the first value at which the cumulative share reaches `tail`.
template <class Iterator>
double quantile(Iterator at, Iterator end, double tail) {
  double share = 0, value = at->value;
  for (; at != end && share < tail; ++at) {
    share += at->share;
    value = at->value;
  }
  return value;
}

// Returns true if (2n-1)! / (n! (n-1)!) is at most `limit`.
bool fewer_multisets_than(std::size_t limit, std::size_t n) {
  double count = 1;
  for (std::size_t i = 1; i < n; ++i) count = count * static_cast<double>(n + i) / static_cast<double>(i);
  return count <= static_cast<double>(limit) + 0.5;
}

// Sums of the same differences in another order may differ in their last digits.
double tie_tolerance(std::span<const double> d) {
  double size = 0;
  for (double x : d) size += std::abs(x);
  return 1e-12 * size;
}

// Counts the signs of d[i...] for which |sum| reaches the bound.
std::uint64_t count_flips(std::span<const double> d, std::size_t i, double sum, double bound) {
  if (i == d.size()) return std::abs(sum) >= bound;
  return count_flips(d, i + 1, sum + d[i], bound) + count_flips(d, i + 1, sum - d[i], bound);
}

double drawn_flips_p(std::span<const double> d, double bound) {
  const Words words(kFlipSeed);
  constexpr std::size_t kBits = 64;  // signs per random number
  const std::size_t per_flip = (d.size() + kBits - 1) / kBits;
  std::size_t hits = 1;
  for (std::size_t r = 0; r < kRandomFlips; ++r) {
    double sum = 0;
    for (std::size_t w = 0; w < per_flip; ++w) {
      std::uint64_t bits = words(r * per_flip + w);
      const std::size_t end = std::min(d.size(), (w + 1) * kBits);
      for (std::size_t i = w * kBits; i < end; ++i, bits >>= 1)
        sum += std::bit_cast<double>(std::bit_cast<std::uint64_t>(d[i]) ^ (bits << 63));
    }
    hits += std::abs(sum) >= bound;
  }
  return static_cast<double>(hits) / static_cast<double>(kRandomFlips + 1);
}

}  // namespace

double mean(std::span<const double> x) {
  return x.empty() ? kNaN : std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

double stddev(std::span<const double> x) {
  if (x.size() < 2) return kNaN;
  const double m = mean(x);
  double sum = 0;
  for (double v : x) sum += (v - m) * (v - m);
  return std::sqrt(sum / static_cast<double>(x.size() - 1));
}

double median(std::vector<double> x) {
  if (x.empty()) return kNaN;
  std::sort(x.begin(), x.end());
  const double upper = x[x.size() / 2], lower = x[(x.size() - 1) / 2];
  return lower == upper ? lower : (lower + upper) / 2;
}

double median_time(std::vector<double> times) {
  if (times.empty()) return kNaN;
  std::sort(times.begin(), times.end());
  return times[(times.size() - 1) / 2];
}

double expanded_tail(std::size_t n, double level) {
  if (n < 2) return kNaN;
  const auto count = static_cast<double>(n);
  const double t = boost::math::quantile(boost::math::students_t(count - 1), (1 - level) / 2);
  return boost::math::cdf(boost::math::normal(), t * std::sqrt(count / (count - 1)));
}

Interval bootstrap_mean(std::span<const double> x, double level, std::size_t resamples) {
  if (x.size() < 2) return {};
  std::vector<Weighted> means =
      fewer_multisets_than(resamples, x.size()) ? Multisets(x).take() : drawn_means(x, resamples);
  std::sort(means.begin(), means.end(),
            [](const Weighted& a, const Weighted& b) { return a.value < b.value; });
  const double tail = expanded_tail(x.size(), level);
  return {quantile(means.begin(), means.end(), tail), quantile(means.rbegin(), means.rend(), tail)};
}

double sign_flip_p(std::span<const double> d) {
  if (d.empty()) return kNaN;
  const double bound = std::abs(std::accumulate(d.begin(), d.end(), 0.0)) - tie_tolerance(d);
  if (d.size() > kMostExactPairs) return drawn_flips_p(d, bound);
  // Flipping all signs does not change |sum|, so the first sign is fixed.
  const auto hits = static_cast<double>(count_flips(d, 1, d[0], bound));
  return std::ldexp(hits, 1 - static_cast<int>(d.size()));
}

double smallest_p(std::size_t pairs) {
  if (pairs < 2) return 1;
  if (pairs > kMostExactPairs) return 1 / static_cast<double>(kRandomFlips + 1);
  return std::ldexp(1.0, 1 - static_cast<int>(pairs));
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<double> adjusted(p.begin(), p.end());
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (!std::isnan(p[i])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  double largest = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    largest = std::max(largest, static_cast<double>(order.size() - k) * p[order[k]]);
    adjusted[order[k]] = std::min(1.0, largest);
  }
  return adjusted;
}

double hedges_g(std::span<const double> differences) {
  if (differences.size() < 3) return kNaN;
  const double m = mean(differences), s = stddev(differences);
  // Equal differences may differ in the last digit after rounding.
  if (s <= 1e-12 * std::abs(m)) return kNaN;
  const double degrees = static_cast<double>(differences.size() - 1);
  const double factor =
      std::exp(std::lgamma(degrees / 2) - std::lgamma((degrees - 1) / 2)) / std::sqrt(degrees / 2);
  return factor * m / s;
}

std::vector<double> signed_ranks(std::span<const double> differences) {
  std::vector<double> d, ranks;
  for (double x : differences)
    if (x != 0) d.push_back(x);
  for (double x : d) {
    const auto smaller =
        std::count_if(d.begin(), d.end(), [&](double y) { return std::abs(y) < std::abs(x); });
    const auto equal =
        std::count_if(d.begin(), d.end(), [&](double y) { return std::abs(y) == std::abs(x); });
    const double rank = static_cast<double>(smaller) + static_cast<double>(equal + 1) / 2;
    ranks.push_back(x > 0 ? rank : -rank);
  }
  return ranks;
}

double rank_biserial(std::span<const double> ranks) {
  double sum = 0, size = 0;
  for (double r : ranks) sum += r, size += std::abs(r);
  return ranks.empty() ? kNaN : sum / size;
}

PairedTest compare_means(std::span<const double> a, std::span<const double> b) {
  std::vector<double> d;
  for (std::size_t i = 0; i < a.size(); ++i) d.push_back(b[i] - a[i]);
  return {d.size(), mean(d), bootstrap_mean(d), sign_flip_p(d), hedges_g(d)};
}

PairedTest compare_times(std::span<const double> a, std::span<const double> b) {
  std::vector<double> d;
  for (std::size_t i = 0; i < a.size(); ++i) d.push_back(a[i] == b[i] ? 0 : b[i] - a[i]);
  const std::vector<double> ranks = signed_ranks(d);
  // If all differences are 0, every flip is as extreme as the observed one.
  const double p = d.empty() ? kNaN : ranks.empty() ? 1.0 : sign_flip_p(ranks);
  return {d.size(), median(d), {}, p, rank_biserial(ranks)};
}

}  // namespace heed::statistics
