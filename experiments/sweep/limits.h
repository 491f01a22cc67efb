#pragma once

#include <string>

#include "core/options.h"

namespace heed {

// The `limits` section of a sweep file: what a trial may take before it is ended and recorded as killed; as
// failed if it is out of memory. Limits change no result, so they are not part of a trial's id.
struct LimitOptions {
  std::string time = "24h", memory = "90%", output = "64MiB";
  void describe(auto& option) {
    option("time", time, {.doc = "time of a trial: seconds, or as 30s, 10m, 1h 30m; 0: no limit"});
    option(
        "memory", memory,
        {.doc = "memory that each trial may allocate, as 512MiB, 2GiB, 50% of the machine's; 0: no limit"});
    option("output", output, {.doc = "output that a trial may print, as 10MiB; 0: no limit"});
  }
  void check(const Refuse& refuse) const;
};

// The same in numbers; 0: no limit.
struct Limits {
  double seconds = 0, memory_bytes = 0, output_bytes = 0;
};
Limits limits_of(const LimitOptions& options);  // Requires: they have passed their check

}  // namespace heed
