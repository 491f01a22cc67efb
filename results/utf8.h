#pragma once

#include <string>
#include <string_view>

namespace heed::results {

// Returns `text` with every byte that is not valid UTF-8, and every NUL, replaced by U+FFFD. Readers refuse
// a whole file because of one invalid string, and the reason of a failed trial may contain any bytes.
std::string valid_utf8(std::string_view text);

}  // namespace heed::results
