#include "core/ops/cross_entropy.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace heed {

template <class S>
Score cross_entropy(Step<S>& step, Mat<S> z, std::span<const Token> labels, S weight,
                    std::span<Token> predicted) {
  Memory<S> memory = step.memory();
  typename Memory<S>::Scope scope(memory);
  const std::span<Score> scores = memory.template temp_span<Score>(z.rows());
  step.parallel_for(z.rows(), [&](Index r, Memory<S>&) {
    auto row = z.row(r).array();
    const Token label = labels[static_cast<std::size_t>(r)];
    Score& score = scores[static_cast<std::size_t>(r)] = {};
    if (label == kUnscored) {
      if (weight != S(0)) row.setZero();
      return;
    }
    assert(label >= 0 && label < z.cols());
    const S largest = row.maxCoeff(), of_label = row(label);
    // The top-1 prediction, the lower of equal ones. Computed only if requested, before the row is
    // overwritten. (In a row with NaN it may be any token.)
    const auto best = [&] {
      const S* const first = row.data();
      return std::find(first, first + row.size() - 1, largest) - first;
    };
    const bool hit = of_label == largest && best() == label;
    if (!predicted.empty()) predicted[static_cast<std::size_t>(r)] = hit ? label : static_cast<Token>(best());
    // NaN must reach the loss: maxCoeff ignores it, the sum does not. Eigen's sum of an array depends on
    // its alignment, its sum of an expression does not.
    S sum;
    if (weight != S(0)) {
      row = (row - largest).exp();
      sum = (row + S(0)).sum();
      row *= weight / sum;
      row(label) -= weight;
    } else {
      sum = (row - largest).exp().sum();
    }
    score = {
        static_cast<double>(largest) + std::log(static_cast<double>(sum)) - static_cast<double>(of_label), 1,
        hit};
  });
  Score total;
  for (const Score& s : scores) total += s;  // in order: the same bits for any number of threads
  return total;
}

template Score cross_entropy(Step<float>&, Mat<float>, std::span<const Token>, float, std::span<Token>);
template Score cross_entropy(Step<double>&, Mat<double>, std::span<const Token>, double, std::span<Token>);

}  // namespace heed
