#include "core/attention_measures.h"

#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <limits>

namespace heed {
namespace {

// Returns p log p, which is 0 for p = 0, and NaN for NaN.
double p_log_p(double p) { return p > 0 ? p * std::log(p) : 0 * p; }

double absolute_sum(std::span<const float> weights) {
  double sum = 0;
  for (const float w : weights) sum += std::abs(static_cast<double>(w));
  return sum;
}

void add(std::optional<double>& sum, double share) { sum = sum.value_or(0) + share; }

}  // namespace

std::optional<RowMeasures> measure_row(std::span<const float> weights, std::span<const Relevance> keys) {
  const double sum = absolute_sum(weights);
  if (sum == 0) return std::nullopt;
  RowMeasures row;
  for (std::size_t j = 0; j < weights.size(); ++j) {
    const double a = std::abs(static_cast<double>(weights[j])) / sum;
    row.entropy -= p_log_p(a);
    if (j == 0) row.on_first = a;
    if (weights[j] < 0) row.negative += a;
    if (keys[j] == Relevance::answer) add(row.on_answer, a);
    if (keys[j] == Relevance::distractor) add(row.on_distractors, a);
  }
  return row;
}

std::optional<double> row_divergence(std::span<const float> first, std::span<const float> second) {
  const double sum_a = absolute_sum(first), sum_b = absolute_sum(second);
  if (sum_a == 0 || sum_b == 0) return std::nullopt;
  double divergence = 0;
  for (std::size_t j = 0; j < first.size(); ++j) {
    const double a = std::abs(static_cast<double>(first[j])) / sum_a;
    const double b = std::abs(static_cast<double>(second[j])) / sum_b;
    if (a == b) continue;  // adds 0, but a fused multiply-add would leave a rounding error
    divergence += (p_log_p(a) + p_log_p(b)) / 2 - p_log_p((a + b) / 2);
  }
  return std::max(divergence, 0.0);  // rounding can make it negative
}

double effective_rank(const In<float>& weights) {
  const Eigen::MatrixXd map = weights.cast<double>();
  if (!map.allFinite() || map.isZero(0)) return std::numeric_limits<double>::quiet_NaN();
  const Eigen::VectorXd sigma = Eigen::BDCSVD<Eigen::MatrixXd>(map).singularValues();
  const double sum = sigma.sum();
  double entropy = 0;
  for (const double s : sigma) entropy -= p_log_p(s / sum);
  return std::exp(entropy);
}

}  // namespace heed
