#pragma once

#include <functional>
#include <vector>

namespace heed {

// Wall and processor milliseconds of each of some repetitions; the processor time is that of all threads.
struct Timing {
  std::vector<double> wall, cpu;
};

double median(std::vector<double> values);  // NaN of none

// Times one call of what it is given.
void time_once(Timing& into, const std::function<void()>& work);

// Floating-point operations that a core of this machine does in a second of processor time at best: a product
// of two 512x512 matrices through the entry point of all products (core/ops/product.h). Measured in short
// pieces between the work that is compared with it, because the speed of a shared machine changes.
class Ceiling {
 public:
  Ceiling();
  void measure();                   // some 20 ms
  double flops_per_second() const;  // the median so far

 private:
  std::vector<float> a_, b_, c_;
  std::vector<double> rates_;
};

// Returns the FLOP/s of one core on a product of the size that small models consist of. Takes some
// milliseconds.
double measure_speed();

}  // namespace heed
