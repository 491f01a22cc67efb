#pragma once

#include <string>
#include <vector>

namespace heed::test {

// Returns what is wrong with a message, or an empty string. It must be one line that begins with the first
// part (place and key) and contains the others (a suggestion, the value that was found). Its other words may
// change.
inline std::string missing(const std::string& message, const std::vector<std::string>& parts) {
  if (message.find('\n') != std::string::npos) return "more than one line: " + message;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t at = message.find(parts[i]);
    if (at == std::string::npos || (i == 0 && at != 0)) return "'" + parts[i] + "' is not in: " + message;
  }
  return "";
}

}  // namespace heed::test
