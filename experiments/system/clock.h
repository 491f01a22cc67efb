#pragma once

#include <chrono>

namespace heed {

// Returns the seconds of a monotonic clock. Only differences have a meaning.
inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace heed
