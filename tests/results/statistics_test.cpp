#include "results/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/catch.h"

using namespace heed::statistics;
using Values = std::vector<double>;

namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kExact = 1e-12;  // relative; sums of a few numbers in another order

// Accuracies of two variants over seven seeds. The figures beside the tests are of scipy 1.10.1:
//   d = b - a
//   permutation_test((a, b), lambda x, y: (y - x).mean(), permutation_type='samples', n_resamples=inf).pvalue
const Values kA = {0.9021, 0.8874, 0.9117, 0.8950, 0.9203, 0.8791, 0.9066};
const Values kB = {0.9133, 0.8902, 0.9105, 0.9088, 0.9251, 0.8986, 0.9049};

Values first(const Values& x, std::size_t n) { return {x.begin(), x.begin() + static_cast<long>(n)}; }

Values minus(const Values& b, const Values& a) {
  Values d;
  for (std::size_t i = 0; i < a.size(); ++i) d.push_back(b[i] - a[i]);
  return d;
}

auto close(double x) { return Approx(x).epsilon(kExact); }

// 24 differences, none of them drawn by a generator that a library may change.
const Values kDifferences = {3.4375,  -2.4375, -1.6875, -1.25, -1.6875, 3.375, 3.9375, 1.5625,
                             -2.8125, -2.375,  -0.4375, 0.375, 1.875,   0.75,  -1.0,   -1.875,
                             2.4375,  2.8125,  -2.875,  -2.25, 0.5,     0.0,   4.0625, 1.0625};

}  // namespace

TEST_CASE("statistics: means, standard deviations and paired differences are those of numpy") {
  CHECK(mean(kA) == close(0.9003142857142857));
  CHECK(stddev(kA) == close(0.01424095368663075));  // a.std(ddof=1)
  const PairedTest t = compare_means(kA, kB);
  CHECK(t.pairs == 7);
  CHECK(t.difference == close(0.007028571428571447));
  // exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / sqrt(df / 2) * d.mean() / d.std(ddof=1), df = 6
  CHECK(t.effect == close(0.761630545830406));
  CHECK(std::isnan(mean(Values{})));
  CHECK(std::isnan(stddev(Values{1})));
  CHECK(std::isnan(hedges_g(Values{1, 2})));
  CHECK(std::isnan(hedges_g(Values{0.1 + 0.2, 0.3, 0.3})));  // one number, but for its last digit
}

TEST_CASE("statistics: the sign-flip test is scipy's permutation test of pairs") {
  CHECK(sign_flip_p(minus(kB, kA)) == close(0.078125));
  CHECK(sign_flip_p(minus(first(kB, 3), first(kA, 3))) == close(0.5));
  CHECK(sign_flip_p(minus(first(kB, 5), first(kA, 5))) == close(0.125));
  CHECK(sign_flip_p(Values{3, 1, 1, -2, 0, 1, -1, 2}) == close(0.40625));  // many sums are equal
  CHECK(sign_flip_p(first(kDifferences, 18)) == close(0.6124649047851562));
  CHECK(sign_flip_p(Values{0, 0, 0}) == 1);
  CHECK(sign_flip_p(Values{5}) == 1);
  CHECK(std::isnan(sign_flip_p(Values{})));
}

TEST_CASE("statistics: sums that are equal but for rounding are counted as equal") {
  // 0.1 + 0.2 - 0.3 is not 0 in binary; all 8 flips but two give 0 or more than the observed 0.
  CHECK(sign_flip_p(Values{0.1, 0.2, -0.3}) == 1);
  CHECK(sign_flip_p(Values{-0.3, 0.1, 0.2}) == 1);
  CHECK(sign_flip_p(Values{0.1, 0.2, 0.3}) == 0.25);
}

TEST_CASE("statistics: the smallest p is reached when all differences have one sign") {
  for (std::size_t n = 1; n <= kMostExactPairs; n += 3) {
    Values d(n, -0.25);
    d[0] = -7;
    CHECK(sign_flip_p(d) == smallest_p(n));
  }
  CHECK(smallest_p(3) == 0.25);
  CHECK(smallest_p(5) == 0.0625);
  CHECK(smallest_p(6) == 0.03125);
  CHECK(sign_flip_p(Values(21, 1.0)) == smallest_p(21));
}

TEST_CASE("statistics: more than 20 pairs draw their flips, the same ones each time") {
  const double p = sign_flip_p(kDifferences);
  CHECK(p == sign_flip_p(kDifferences));
  CHECK(p == Approx(0.6294).margin(0.006));  // scipy, 400,000 flips; four standard deviations of 100,000
}

TEST_CASE("statistics: Holm's adjustment steps down and never falls") {
  CHECK(holm(Values{0.01, 0.04, 0.03, 0.005}) == Values{0.03, 0.06, 0.06, 0.02});
  CHECK(holm(Values{0.5, 0.9}) == Values{1, 1});
  CHECK(holm(Values{}).empty());
  const Values with_gap = holm(Values{0.02, std::nan(""), 0.01});
  CHECK(with_gap[0] == 0.02);
  CHECK(std::isnan(with_gap[1]));
  CHECK(with_gap[2] == 0.02);
}

TEST_CASE("statistics: the ends of an interval are the expanded percentiles") {
  // Student's t of one and of two degrees have closed quantiles.
  const auto normal = [](double x) { return std::erfc(-x / std::sqrt(2)) / 2; };
  const double p = 0.025, one = -1 / std::tan(std::acos(-1) * p),
               two = (2 * p - 1) / std::sqrt(2 * p * (1 - p));
  CHECK(expanded_tail(2) == Approx(normal(one * std::sqrt(2))).epsilon(1e-10));
  CHECK(expanded_tail(3) == Approx(normal(two * std::sqrt(1.5))).epsilon(1e-10));
  // norm.cdf(t.ppf(.025, n - 1) * sqrt(n / (n - 1))); scipy's t.ppf has ten digits
  CHECK(expanded_tail(5) == Approx(0.0009541005518824686).epsilon(1e-8));
  CHECK(expanded_tail(12) == Approx(0.010756614916810273).epsilon(1e-8));
  CHECK(expanded_tail(100000) == Approx(0.025).epsilon(1e-3));
}

TEST_CASE("statistics: few values are resampled in every possible way") {
  // m = sort([x[list(i)].mean() for i in product(range(n), repeat=n)]);
  // quantile(m, tail, method='inverted_cdf'), -quantile(-m, tail, method='inverted_cdf')
  const auto three = bootstrap_mean(first(kA, 3)), five = bootstrap_mean(first(kA, 5)),
             seven = bootstrap_mean(kA);
  CHECK(three.low == close(0.8874));
  CHECK(three.high == close(0.9117));
  CHECK(five.low == close(0.88892));
  CHECK(five.high == close(0.91858));
  CHECK(seven.low == close(0.8872));
  CHECK(seven.high == close(0.9128571428571428));
  CHECK(std::isnan(bootstrap_mean(Values{1}).low));
  CHECK(bootstrap_mean(Values{2, 2, 2, 2}).low == 2);
}

TEST_CASE("two values by hand: four resamples, three means") {
  // A level that cuts off a quarter or less keeps both ends, one that cuts off more keeps the middle.
  const Values x = {1, 3};
  CHECK(bootstrap_mean(x, 0.95).low == 1);
  CHECK(bootstrap_mean(x, 0.95).high == 3);
  REQUIRE(expanded_tail(2, 0.1) > 0.25);
  CHECK(bootstrap_mean(x, 0.1).low == 2);
  CHECK(bootstrap_mean(x, 0.1).high == 2);
}

TEST_CASE("statistics: drawn resamples come close to all of them, and are the same each time") {
  const Values x = first(kDifferences, 9);  // 24,310 multisets
  const Interval drawn = bootstrap_mean(x), all = bootstrap_mean(x, kLevel, 30000);
  const double width = all.high - all.low;
  CHECK(std::abs(drawn.low - all.low) < 0.04 * width);
  CHECK(std::abs(drawn.high - all.high) < 0.04 * width);
  CHECK(bootstrap_mean(x).low == drawn.low);
  SECTION("they follow a shift and a scale") {
    Values y;
    for (double v : x) y.push_back(2 * v + 8);
    CHECK(bootstrap_mean(y).low == Approx(2 * drawn.low + 8));
    CHECK(bootstrap_mean(y).high == Approx(2 * drawn.high + 8));
  }
  SECTION("more values narrow them") {
    const Interval more = bootstrap_mean(kDifferences);
    CHECK(more.high - more.low < 0.8 * width);
  }
}

TEST_CASE("statistics: intervals of five values cover the mean in more than nine of ten cases") {
  std::mt19937_64 words(1);
  const auto normal = [&] {  // the standard library's is another one in each
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(words() >> 11) * 0x1p-53;
    return sum;
  };
  int covered = 0;
  for (int t = 0; t < 2000; ++t) {
    Values x(5);
    for (double& v : x) v = normal();
    const Interval i = bootstrap_mean(x);
    covered += i.low <= 0 && 0 <= i.high;
  }
  CHECK(covered > 1800);  // 92 %; plain percentiles: 83 %
}

TEST_CASE("statistics: steps that were never reached rank last") {
  CHECK(median_time({300, 100, 200}) == 200);
  CHECK(median_time({300, 100, 200, 400}) == 200);  // by then half had come
  CHECK(median_time({kNever, 100, kNever, 200}) == 200);
  CHECK(median_time({kNever, 100, kNever}) == kNever);
  CHECK(median({1, 2, 3, 4}) == 2.5);
  CHECK(median({kNever, kNever, 1}) == kNever);
  // wilcoxon(d) of [-100, -300, 50, -200, -1e9, -150, 400, -250]: p = 0.1953125
  const Values a(8, 1000), b = {900, 700, 1050, 800, 10, 850, 1400, 750};
  const PairedTest finite = compare_times(a, b);
  CHECK(finite.p == close(0.1953125));
  CHECK(finite.effect == close(-20.0 / 36));
  CHECK(finite.difference == -175);
  Values never = a;
  never[4] = kNever;  // the largest difference stays the largest
  CHECK(compare_times(never, b).p == close(0.1953125));
  CHECK(compare_times(Values(6, kNever), b.size() ? first(b, 6) : b).p == 0.03125);
}

TEST_CASE("statistics: if neither step was reached the difference is 0, and equal ranks are shared") {
  const PairedTest t = compare_times(Values{kNever, 100, kNever}, Values{kNever, 200, kNever});
  CHECK(t.pairs == 3);
  CHECK(t.p == 1);
  CHECK(t.difference == 0);
  CHECK(compare_times(Values{kNever, kNever}, Values{kNever, kNever}).p == 1);
  CHECK(signed_ranks(Values{-3, 0, 1, 3, kNever}) == Values{-2.5, 1, 2.5, 4});
  CHECK(rank_biserial(Values{-2.5, 1, 2.5, 4}) == 0.5);
}
