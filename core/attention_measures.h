#pragma once

#include <optional>
#include <span>

#include "core/task.h"
#include "core/views.h"

namespace heed {

// Measures of one query's weights over its keys. a_j = |w_j| / sum |w| is the distribution of absolute
// weights. Definitions and sources: docs/probes.md.
struct RowMeasures {
  double entropy = 0;                    // -sum a_j log a_j, nat
  double on_first = 0;                   // a_0
  double negative = 0;                   // sum of a_j where w_j < 0
  std::optional<double> on_answer;       // sum of a_j over the answers; nullopt if there is none
  std::optional<double> on_distractors;  // sum of a_j over the distractors
};

// Measures one row of weights (Tk); `keys` has the relevance of each key to this query. Returns nullopt if
// all weights are zero (the query sees no key).
std::optional<RowMeasures> measure_row(std::span<const float> weights, std::span<const Relevance> keys);

// Returns the Jensen-Shannon divergence between two rows of weights over the same keys (Lin 1991), with a and
// b the distributions of their absolute weights:
//     H((a + b) / 2) - (H(a) + H(b)) / 2
// In nat, from 0 (equal) to log 2 (no common key). Returns nullopt if all weights of a row are zero.
// Requires: rows of equal length.
std::optional<double> row_divergence(std::span<const float> first, std::span<const float> second);

// Returns the effective rank of a map of signed weights (Tq,Tk): exp of the entropy of its singular values
// divided by their sum (Roy and Vetterli 2007). From 1 to min(Tq,Tk); NaN if the map is zero or not finite.
// Its time is that of a singular value decomposition, cubic in the lengths.
double effective_rank(const In<float>& weights);

}  // namespace heed
