#include "core/attention_measures.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <vector>

#include "tests/catch.h"

using namespace heed;

namespace {

constexpr double kNear = 1e-12;
constexpr auto none = Relevance::none, answer = Relevance::answer, distractor = Relevance::distractor;

RowMeasures measured(const std::vector<float>& weights, std::vector<Relevance> keys = {}) {
  keys.resize(weights.size());
  return measure_row(weights, keys).value();
}

double rank_of(const Matrix<float>& m) { return effective_rank(const_mat(m.data(), m.rows(), m.cols())); }

Matrix<float> uniform_causal(Index time) {
  Matrix<float> m = Matrix<float>::Zero(time, time);
  for (Index i = 0; i < time; ++i) m.row(i).head(i + 1).setConstant(1.0f / static_cast<float>(i + 1));
  return m;
}

}  // namespace

TEST_CASE("attention measures: equal weights have the entropy of a fair die, one weight has none") {
  for (std::size_t n : {1, 2, 7, 300}) {
    std::vector<float> weights(n + 5, 0);
    std::fill_n(weights.begin(), n, 1.0f / 3);  // the sum is not asked for
    CHECK(std::abs(measured(weights).entropy - std::log(static_cast<double>(n))) < kNear);
  }
  CHECK(measured({0, 1, 0}).entropy == 0);
  CHECK(measured({0, 0.125f, 0}).entropy == 0);
}

TEST_CASE("attention measures: the mean entropy of equal causal weights is that of log(i + 1)") {
  const Index time = 50;
  const Matrix<float> map = uniform_causal(time);
  double sum = 0, expected = 0;
  for (Index i = 0; i < time; ++i) {
    sum += measured(std::vector<float>(map.row(i).begin(), map.row(i).end())).entropy;
    expected += std::log(static_cast<double>(i + 1));
  }
  CHECK(std::abs(sum - expected) < 1e-10);
}

TEST_CASE("attention measures: a geometric row has the entropy of its closed form") {
  // a_j = 2^-(j+1): H = log 2 sum (j+1) 2^-(j+1) = 2 log 2, but for the tail
  std::vector<float> weights;
  for (int j = 0; j < 60; ++j) weights.push_back(std::ldexp(1.0f, -j - 1));
  CHECK(std::abs(measured(weights).entropy - 2 * std::numbers::ln2) < kNear);
}

TEST_CASE("attention measures: shares of weight are those of the keys that hold it") {
  const RowMeasures row =
      measured({0.5f, 0.25f, 0.125f, 0.125f, 0}, {none, answer, distractor, answer, distractor});
  CHECK(row.on_first == 0.5);
  CHECK(row.on_answer == 0.375);
  CHECK(row.on_distractors == 0.125);
  CHECK(row.negative == 0);
}

TEST_CASE(
    "attention measures: signed weights count without their sign, and the negative ones by themselves") {
  const RowMeasures row = measured({0.5f, -0.25f, 0.25f, -1}, {none, answer, distractor, answer});
  CHECK(row.on_first == 0.25);
  CHECK(row.on_answer == 0.625);
  CHECK(row.on_distractors == 0.125);
  CHECK(row.negative == 0.625);
  CHECK(std::abs(row.entropy - measured({0.5f, 0.25f, 0.25f, 1}).entropy) < kNear);
}

TEST_CASE("attention measures: without an answer key there is no share; if it is hidden, the share is 0") {
  CHECK_FALSE(measured({1, 0}, {none, distractor}).on_answer);
  CHECK(measured({1, 0}, {none, distractor}).on_distractors == 0.0);
  CHECK(measured({1, 0}, {none, answer}).on_answer == 0.0);
}

TEST_CASE("attention measures: a query without visible keys has none; a NaN weight makes them NaN") {
  const std::vector<Relevance> keys(3);
  CHECK_FALSE(measure_row(std::vector<float>(3, 0), keys));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(measured({nan, 1, 0}).entropy));
  CHECK(std::isnan(measured({1, 0, nan}).on_first));
}

TEST_CASE(
    "attention measures: the divergence of (1, 0) from (1/2, 1/2) is that of Jensen and Shannon by hand") {
  // The mixture is (3/4, 1/4): H = 2 log 2 - 3/4 log 3. The mean of the entropies 0 and log 2 is log(2) / 2.
  const double expected = 1.5 * std::numbers::ln2 - 0.75 * std::log(3.0);
  for (const float scale : {1.0f, -3.0f})  // neither a row's sum nor signs count
    CHECK(std::abs(row_divergence(std::vector{scale, 0.0f}, std::vector{0.5f, 0.5f}).value() - expected) <
          kNear);
  CHECK(std::abs(row_divergence(std::vector{0.5f, 0.5f}, std::vector{1.0f, 0.0f}).value() - expected) <
        kNear);
}

TEST_CASE("attention measures: equal rows have divergence 0, rows without a common key log 2") {
  const std::vector<float> row = {0.3f, 0.1f, -0.2f, 0};
  CHECK(row_divergence(row, row) == 0.0);
  std::vector<float> twice = row;
  for (float& w : twice) w *= 2;
  CHECK(row_divergence(row, twice) == 0.0);
  const std::optional<double> apart =
      row_divergence(std::vector{0.2f, 0.4f, 0.0f}, std::vector{0.0f, 0.0f, 3.0f});
  CHECK(std::abs(apart.value() - std::numbers::ln2) < kNear);
}

TEST_CASE("attention measures: a row without visible keys has no divergence; a NaN weight makes it NaN") {
  const std::vector<float> nothing(3, 0), one = {1, 0, 0};
  CHECK_FALSE(row_divergence(nothing, one));
  CHECK_FALSE(row_divergence(one, nothing));
  CHECK(std::isnan(
      row_divergence(one, std::vector{1.0f, 0.0f, std::numeric_limits<float>::quiet_NaN()}).value()));
}

TEST_CASE("attention measures: the effective rank of T equal singular values is T, of a single one 1") {
  for (Index time : {1, 2, 9, 64, 130}) {
    CHECK(std::abs(rank_of(Matrix<float>::Identity(time, time)) - static_cast<double>(time)) < 1e-10);
    CHECK(std::abs(rank_of(Matrix<float>::Constant(time, time, 0.125f)) - 1) < 1e-10);
  }
  // A permutation is orthogonal; scale and sign change nothing.
  Matrix<float> shift = Matrix<float>::Zero(31, 31);
  for (Index i = 0; i < 31; ++i) shift(i, (i + 7) % 31) = -3;
  CHECK(std::abs(rank_of(shift) - 31) < 1e-10);
}

TEST_CASE("attention measures: the effective rank of singular values 3 and 1 is that of a coin of 3/4") {
  Matrix<float> m(2, 2);
  m << 3, 0, 0, -1;
  CHECK(std::abs(rank_of(m) - std::exp(-0.75 * std::log(0.75) - 0.25 * std::log(0.25))) < kNear);
  // [[1,0],[1/2,1/2]]: s1^2 + s2^2 = 3/2, s1 s2 = 1/2, so s1 + s2 = sqrt(5/2)
  const double sum = std::sqrt(2.5), difference = std::sqrt(0.5), p = (sum + difference) / (2 * sum);
  CHECK(std::abs(rank_of(uniform_causal(2)) - std::exp(-p * std::log(p) - (1 - p) * std::log(1 - p))) < 1e-7);
}

TEST_CASE("attention measures: a map of zeros, or with NaN, has no effective rank") {
  CHECK(std::isnan(rank_of(Matrix<float>::Zero(4, 4))));
  Matrix<float> m = Matrix<float>::Identity(4, 4);
  m(2, 1) = std::numeric_limits<float>::infinity();
  CHECK(std::isnan(rank_of(m)));
}
