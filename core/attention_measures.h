#pragma once

#include <optional>
#include <span>

#include "core/task.h"
#include "core/views.h"

namespace heed {

// What the weights of one query over its keys say. With a_j = |w_j| / sum |w|, the weights without their
// signs as a distribution; definitions and sources: docs/probes.md.
struct RowMeasures {
  double entropy = 0;                    // -sum a_j log a_j, nat
  double on_first = 0;                   // a_0
  double negative = 0;                   // sum of a_j where w_j < 0
  std::optional<double> on_answer;       // sum of a_j over the answers; nothing where there is none
  std::optional<double> on_distractors;  // likewise
};

// weights (Tk), and what each key holds for this query. Nothing where all weights are zero: it sees no key.
std::optional<RowMeasures> measure_row(std::span<const float> weights, std::span<const Evidence> keys);

// The effective rank of a map of weights (Tq,Tk), signs and all: exp of the entropy of its singular values
// divided by their sum (Roy and Vetterli 2007). From 1 to min(Tq,Tk); NaN where the map is zero or not
// finite. Takes the time of a singular value decomposition, cubic in the lengths.
double effective_rank(const In<float>& weights);

}  // namespace heed
