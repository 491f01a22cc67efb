#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/index.h"

namespace heed {

// A coordinate whose two gradients are not the same.
struct Disagreement {
  Index row, col;
  double analytic, numeric;
  double scale;  // what their difference is held against
};

// The tensor that it is in.
struct TensorShape {
  Index rows, cols;
  Index time = 0;  // where rows are sequences times positions: how many positions

  Index size() const { return rows * cols; }
};

// A ratio analytic / numeric that tells what is wrong.
struct KnownRatio {
  double value;
  std::string cause;  // "a sign is wrong"
};

// The ratio that all of them have, within 1e-5; none where it differs or where there is no such number.
std::optional<double> common_ratio(const std::vector<Disagreement>& wrong);

// What the wrong coordinates of a tensor have in common, in one sentence: the same ratio and what it usually
// means, or the place that all of them lie in. 0, 2, 1/2 and -1 mean the same everywhere; `known` are the
// ratios of the case at hand. REQUIRES: at least one is wrong.
std::string explain(const std::vector<Disagreement>& wrong, const TensorShape& shape,
                    const std::vector<KnownRatio>& known);

}  // namespace heed
