#pragma once

#include <string>
#include <string_view>

namespace heed::results {

// `text` with every byte that is not part of valid UTF-8, and every NUL, replaced by U+FFFD. Readers refuse a
// whole file for one bad string, and the reason of a failed trial may be any bytes.
std::string valid_utf8(std::string_view text);

}  // namespace heed::results
