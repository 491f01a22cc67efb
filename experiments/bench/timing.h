#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/views.h"
#include "results/statistics.h"

namespace heed {

// Wall and processor milliseconds of each repetition. Processor time is summed over threads.
struct Timing {
  std::vector<double> wall, cpu;
};

using statistics::median;

// Times one call of a function.
void time_once(Timing& into, const std::function<void()>& work);

// Returns "0.0123 ms", "12.3 ms", "7802 ms": three digits, or all before the point. Requires: at least 1e-4.
std::string milliseconds_text(double ms);

// The highest FLOP/s of one core of this machine: a product of two 512x512 matrices by core/ops/product.h,
// per second of processor time. Measured in short pieces between the work that is compared with it, because
// the speed of a shared machine changes. The matrices are aligned as all buffers of a model are.
class Ceiling {
 public:
  Ceiling();
  void measure();                   // takes about 20 ms
  double flops_per_second() const;  // the median so far

 private:
  Matrix<float> a_, b_, c_;
  std::vector<double> rates_;
};

}  // namespace heed
