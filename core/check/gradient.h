#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/check/ratio.h"
#include "core/views.h"

namespace heed {

// A tensor whose gradient is checked. The loss must depend on the values at `value`.
struct GradientTensor {
  std::string name;
  double* value;
  const double* grad;  // the analytic gradient
  Index rows, cols;
  Index time = 0;  // positions, if rows are sequences times positions; messages then say x[b,t,c]
};

struct GradientReport {
  Index coordinates = 0, kinks = 0;
  double worst = 0;   // the largest disagreement away from kinks: |a - n| / max(|a|, |n|, floor)
  std::string fault;  // empty: analytic and numeric agree. Else a tensor that is wrong, its worst coordinate,
                      // both numbers and their ratio, and how many coordinates disagree
  std::string hint;   // what the wrong coordinates have in common, in words; which other tensors are wrong

  bool passed() const { return fault.empty(); }
};

// Compares analytic gradients with central differences of `loss` at steps h and h/2, coordinate by
// coordinate. The two are extrapolated to n = (4 D(h/2) - D(h)) / 3, whose error is of order h^4.
//
// Tolerance: 1e-6 relative. A gradient much smaller than its neighbors is lost in the rounding of the loss.
// So the denominator is at least a tenth of the tensor's largest gradient plus a thousandth of the largest
// of all. If analytic and numeric disagree, and the two step sizes do too, the function has a kink there (a
// selection that jumps): the coordinate is skipped and counted, and more than 5 % of kinks is a fault.
//
// Reports the first tensor whose wrong coordinates have one ratio, because that says most about the cause;
// else the first wrong tensor. `known`: ratios with a known cause in this case.
GradientReport compare_gradients(const std::vector<GradientTensor>& tensors,
                                 const std::function<double()>& loss,
                                 const std::vector<KnownRatio>& known = {});

}  // namespace heed
