#pragma once

namespace heed {

// The largest resident size of this process since its program was started, in bytes; NaN where the system
// does not say. Not getrusage's: that survives exec, and is of the program before where that one was larger.
double peak_resident_bytes();

}  // namespace heed
