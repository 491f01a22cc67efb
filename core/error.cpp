#include "core/error.h"

#include <fmt/format.h>

namespace heed {

void fail_check(const char* condition, const char* file, int line, const std::string& message) {
  throw Bug(fmt::format("{}:{}: {} (failed condition: {})", file, line, message, condition));
}

}  // namespace heed
