#pragma once

namespace heed {

// Returns the largest resident set size of this process since its program started, in bytes, or NaN if
// unknown. Does not use getrusage, whose value survives exec and may be that of the previous program.
double peak_resident_bytes();

}  // namespace heed
