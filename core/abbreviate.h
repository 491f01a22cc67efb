#pragma once

#include <string>
#include <string_view>

namespace heed {

// Returns a message with the values in it cut to a size that a person reads: of what stands in single quotes
// the first 60 characters, with "…" behind them, and the same of any other word of more than 120. A path (a
// word with a slash) stays whole. Every message for the user goes through it, once or several times.
std::string abbreviated(std::string_view message);

}  // namespace heed
