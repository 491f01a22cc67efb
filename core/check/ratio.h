#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/index.h"

namespace heed {

// A coordinate whose two gradients differ.
struct Disagreement {
  Index row, col;
  double analytic, numeric;
  double scale;  // the scale of their difference
};

// The shape of its tensor.
struct TensorShape {
  Index rows, cols;
  Index time = 0;  // positions, if rows are sequences times positions

  Index size() const { return rows * cols; }
};

// A ratio analytic / numeric with a known cause.
struct KnownRatio {
  double value;
  std::string cause;  // "a sign is wrong"
};

// Returns the ratio that all of them have, within 1e-5, or nullopt if the ratios differ or are not finite.
std::optional<double> common_ratio(const std::vector<Disagreement>& wrong);

// Describes in one sentence what the wrong coordinates of a tensor have in common: one ratio and its usual
// cause, or their position. `known`: ratios with a known cause in this case, besides 0, 2, 1/2 and -1.
// Requires: at least one is wrong.
std::string explain(const std::vector<Disagreement>& wrong, const TensorShape& shape,
                    const std::vector<KnownRatio>& known);

}  // namespace heed
