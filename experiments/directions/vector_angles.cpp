#include "experiments/directions/vector_angles.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/ops/product.h"
#include "experiments/directions/theory.h"

namespace heed::directions {
namespace {

constexpr Index kRows = 64;  // of cosines that are in memory at once

struct Mean {
  double sum = 0;
  Index n = 0;
  void add(double x) { sum += x, ++n; }
  double value() const { return n ? sum / static_cast<double>(n) : std::numeric_limits<double>::quiet_NaN(); }
};

// Calls visit(i, j, cosine) for all pairs j < i of rows that are not zero.
template <class Visit>
void for_each_pair(const In<float>& vectors, Visit&& visit) {
  Matrix<double> unit = vectors.cast<double>();
  const Eigen::VectorXd lengths = unit.rowwise().norm();
  unit.rowwise().normalize();  // rows of zeros stay so
  const ConstMat<double> all = const_mat(unit.data(), unit.rows(), unit.cols());
  Matrix<double> cosines(kRows, unit.rows());
  for (Index from = 0; from < unit.rows(); from += kRows) {
    const Index rows = std::min(kRows, unit.rows() - from), before = from + rows;
    product_abt<double>(row_block(all, from, rows), row_block(all, 0, before),
                        column_block(mat(cosines.data(), rows, cosines.cols()), 0, before));
    for (Index i = from; i < from + rows; ++i)
      for (Index j = 0; j < i; ++j)
        if (lengths(i) > 0 && lengths(j) > 0) visit(i, j, cosines(i - from, j));
  }
}

}  // namespace

PairAngles pair_angles(const In<float>& vectors) {
  const double largest = largest_cosine({vectors.cols(), kNearlyOrthogonal});
  Mean cosine, orthogonal;
  for_each_pair(vectors, [&](Index, Index, double c) {
    cosine.add(std::abs(c));
    orthogonal.add(std::abs(c) <= largest ? 1 : 0);
  });
  return {cosine.value(), orthogonal.value()};
}

TokenSimilarity token_similarity(const In<float>& vectors, std::span<const Token> tokens,
                                 const std::function<bool(Index, Index)>& same_context) {
  std::map<Token, Mean> same;
  Mean different, over_tokens;
  for_each_pair(vectors, [&](Index i, Index j, double c) {
    const Token token = tokens[static_cast<std::size_t>(i)];
    if (token != tokens[static_cast<std::size_t>(j)])
      different.add(c);
    else if (!same_context(i, j))
      same[token].add(c);
  });
  for (const auto& [token, mean] : same) over_tokens.add(mean.value());
  return {over_tokens.value(), different.value()};
}

}  // namespace heed::directions
