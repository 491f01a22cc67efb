#pragma once

#include <stdexcept>
#include <string>

namespace heed {

// An error that the user can fix. The message names the position, what was found, and what would be right.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A bug in heed (exit code 70). The message names the failed condition and its source line.
class Bug : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void fail_check(const char* condition, const char* file, int line, const std::string& message);

}  // namespace heed

// Checks a condition about heed itself, in every build. Throws: heed::Bug. Not for user input (throw
// heed::Error) and not for inner loops (use assert).
#define HEED_CHECK(condition, message)                                             \
  do {                                                                             \
    if (!(condition)) ::heed::fail_check(#condition, __FILE__, __LINE__, message); \
  } while (false)
