#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/check/ratio.h"
#include "core/views.h"

namespace heed {

// A tensor whose gradient is in question. The loss must depend on what `value` points to.
struct GradientTensor {
  std::string name;
  double* value;
  const double* grad;  // the analytic gradient
  Index rows, cols;
  Index time = 0;  // where rows are sequences times positions: how many positions. Messages then say x[b,t,c]
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
// Tolerance: 1e-6 relative. A gradient much smaller than its neighbors drowns in the rounding of the loss,
// so the floor of the denominator is a tenth of the tensor's largest gradient plus a thousandth of the
// largest of all. Where analytic and numeric disagree and the two step sizes do so too, the function has a
// kink there (a selection that jumps): the coordinate is skipped and counted, and a share of kinks above 5 %
// is a fault.
//
// The tensor that is told of is the first that is off by one ratio everywhere, since that teaches most; else
// the first that is wrong. `known`: ratios that mean something in this case.
GradientReport compare_gradients(const std::vector<GradientTensor>& tensors,
                                 const std::function<double()>& loss,
                                 const std::vector<KnownRatio>& known = {});

}  // namespace heed
