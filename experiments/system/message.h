#pragma once

#include <cstdio>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace heed {

// Writes as much as can be written. A closed terminal, a reader that is gone or a full disk under a log must
// not end a sweep; who needs to know asks std::ferror(out) at the end.
inline void write_message(std::FILE* out, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), out);
  std::fflush(out);
}

// A line for the user, on standard error.
template <class... Values>
void say(fmt::format_string<Values...> line, Values&&... values) {
  write_message(stderr, fmt::format(line, std::forward<Values>(values)...) + '\n');
}

}  // namespace heed
