#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace heed {

constexpr std::size_t kFileHead = 8192;  // the first bytes decide what kind of file it is, as in git

// Returns what a file is if it is no text ("a NumPy array; heed trains on ..."), with what to do instead;
// empty for text in any encoding of one byte and UTF-8. `head`: its first kFileHead bytes, or all of them.
std::string not_a_text(std::string_view head);

}  // namespace heed
