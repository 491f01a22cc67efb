#pragma once

#include <span>

#include "core/step.h"
#include "core/task.h"
#include "core/views.h"

namespace heed {

// The score of some rows of logits. All members are sums, so that scores of parts of a batch can be added.
struct Score {
  double loss = 0;    // sum of lse(z) - z[label] over scored rows
  Index scored = 0;   // rows whose label is not kUnscored
  Index correct = 0;  // rows whose largest logit is the label's (the first of equals)

  void operator+=(const Score& other) {
    loss += other.loss, scored += other.scored, correct += other.correct;
  }
  // Both return 0 if no row is scored.
  double mean_loss() const { return scored ? loss / static_cast<double>(scored) : 0; }
  double accuracy() const { return scored ? static_cast<double>(correct) / static_cast<double>(scored) : 0; }
};

// Cross entropy of rows of logits z (R,V) with one label each, -100 for rows that are not scored:
//     L = sum over scored rows of  lse(z) - z[label],   lse(z) = max z + log sum exp(z - max z)
// If `weight` is not 0, z becomes weight * dL/dz = weight * (softmax(z) - onehot(label)), zeros for unscored
// rows. With micro-batches the weight is 1 / (scored rows of the whole batch). predicted (R), if not empty,
// gets the index of the row's largest logit (the first of equals).
template <class S>
Score cross_entropy(Step<S>& step, Mat<S> z, std::span<const Token> labels, S weight,
                    std::span<Token> predicted = {});

extern template Score cross_entropy(Step<float>&, Mat<float>, std::span<const Token>, float,
                                    std::span<Token>);
extern template Score cross_entropy(Step<double>&, Mat<double>, std::span<const Token>, double,
                                    std::span<Token>);

}  // namespace heed
