#include "core/attention_measures.h"

#include <Eigen/SVD>
#include <cmath>
#include <limits>

namespace heed {
namespace {

// Returns p log p, which is 0 for p = 0, and NaN for NaN.
double p_log_p(double p) { return p > 0 ? p * std::log(p) : 0 * p; }

void add(std::optional<double>& sum, double share) { sum = sum.value_or(0) + share; }

}  // namespace

std::optional<RowMeasures> measure_row(std::span<const float> weights, std::span<const Relevance> keys) {
  double sum = 0;
  for (const float w : weights) sum += std::abs(static_cast<double>(w));
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
