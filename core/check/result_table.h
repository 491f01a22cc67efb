// The text of check results, for programs that print them.
#pragma once

#include <map>
#include <string>

namespace heed {

// Returns the row of one result: name, verdict, largest error and message. A failed row is marked with '!'
// and has its message in the lines below, wrapped.
std::string result_row(const std::string& name, const std::string& verdict, double error,
                       const std::string& message, bool failed);

// Counts results by verdict.
struct Tally {
  std::map<std::string, int> counts = {};

  std::string to_string() const;  // "6 in all: 1 missed, 5 passed", and a new line
};

}  // namespace heed
