#pragma once

#include <cstdio>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/abbreviate.h"

namespace heed {

// Writes a message, and ignores errors: a closed terminal, a closed pipe or a full disk must not end a
// sweep. Check std::ferror(out) at the end if it matters.
inline void write_message(std::FILE* out, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), out);
  std::fflush(out);
}

// Prints a line for the user on standard error.
template <class... Values>
void say(fmt::format_string<Values...> line, Values&&... values) {
  write_message(stderr, abbreviated(fmt::format(line, std::forward<Values>(values)...)) + '\n');
}

}  // namespace heed
