#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/views.h"

namespace heed {

// A tensor whose gradient is in question. The loss must depend on what `value` points to.
struct GradientTensor {
  std::string name;
  double* value;
  const double* grad;  // the analytic gradient
  Index rows, cols;
};

struct GradientReport {
  Index coordinates = 0, kinks = 0;
  double worst = 0;   // the largest disagreement away from kinks: |a - n| / max(|a|, |n|, floor)
  std::string fault;  // empty: analytic and numeric agree. Else the first tensor that is wrong, its worst
                      // coordinate, both numbers and their ratio, and which other tensors are wrong

  bool passed() const { return fault.empty(); }
};

// Compares analytic gradients with central differences of `loss` at steps h and h/2, coordinate by
// coordinate. The two are extrapolated to n = (4 D(h/2) - D(h)) / 3, whose error is of order h^4.
//
// Tolerance: 1e-6 relative. A gradient much smaller than its neighbours drowns in the rounding of the loss,
// so the floor of the denominator is a tenth of the tensor's largest gradient plus a thousandth of the
// largest of all. Where analytic and numeric disagree and the two step sizes do so too, the function has a
// kink there (a selection that jumps): the coordinate is skipped and counted, and a share of kinks above 5 %
// is a fault.
GradientReport compare_gradients(const std::vector<GradientTensor>& tensors,
                                 const std::function<double()>& loss);

}  // namespace heed
