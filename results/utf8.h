#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace heed::results {

// Returns the bytes of the character that starts the text, or 0 if they are not UTF-8 (no overlong forms, no
// surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text);

// Returns `text` with every byte that is not valid UTF-8, and every NUL, replaced by U+FFFD. Readers refuse
// a whole file because of one invalid string, and the reason of a failed trial may contain any bytes.
std::string valid_utf8(std::string_view text);

}  // namespace heed::results
