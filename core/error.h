#pragma once

#include <stdexcept>
#include <string>

namespace heed {

// What went wrong in the user's world: the message is a sentence that names the place, what was found and the
// remedy.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A fault of heed's own (exit code 70): the message names the broken claim and where it stands.
class Bug : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void fail_check(const char* condition, const char* file, int line, const std::string& message);

}  // namespace heed

// A claim about heed itself, checked in every build. Not for a user's input (throw heed::Error), not for
// inner loops (assert).
#define HEED_CHECK(condition, message)                                             \
  do {                                                                             \
    if (!(condition)) ::heed::fail_check(#condition, __FILE__, __LINE__, message); \
  } while (false)
