#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace heed {

// Returns the parser's message in words that say what to change.
std::string plain_mistake(const std::string& parser_message);

// Returns the offset of the first tab that indents a line, up to line `last` (from 0). YAML allows only
// spaces there, and the parser's message names something else.
std::optional<std::size_t> find_indenting_tab(std::string_view text, int last);

// Returns the offset of the first key that is longer than YAML allows. The parser's message names a bracket.
inline constexpr std::size_t kLongestKey = 1024;
std::optional<std::size_t> find_long_key(std::string_view text);

}  // namespace heed
