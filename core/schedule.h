#pragma once

#include "core/index.h"

namespace heed {

// What every schedule is built from.
struct ScheduleSpec {
  double lr = 0;                // the peak
  Index warmup = 0, steps = 1;  // warmup <= steps
};

// The learning rate of each training step s = 0 .. steps-1. It rises linearly to the peak during warmup:
//     s < warmup     lr (s+1) / warmup
//     s >= warmup    as the derived class defines
// Each schedule is a derived class in a file of its own (variants/schedules/), registered by HEED_SCHEDULE.
class Schedule {
 public:
  explicit Schedule(const ScheduleSpec& spec) : spec_(spec) {}
  virtual ~Schedule() = default;

  double operator()(Index s) const {
    if (s < spec_.warmup) return spec_.lr * static_cast<double>(s + 1) / static_cast<double>(spec_.warmup);
    return after_warmup(s);
  }

 protected:
  // Returns the learning rate of step s >= warmup. Steps beyond the last one have its final value.
  virtual double after_warmup(Index s) const = 0;

  // Returns (s - from) / (steps - from), at most 1: the share of the steps from `from` on that are done.
  double share_since(Index from, Index s) const {
    if (s >= spec_.steps) return 1;
    return static_cast<double>(s - from) / static_cast<double>(spec_.steps - from);
  }

  const ScheduleSpec spec_;
};

}  // namespace heed
