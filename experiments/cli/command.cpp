#include "experiments/cli/command.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

#include <fmt/format.h>

namespace heed::cli {

int integer_option(const Input& input, const char* name, int otherwise) {
  if (!input.has(name)) return otherwise;
  const int value = input.get<int>(name);
  if (value < 1) throw UsageError(fmt::format("--{} is {} but must be at least 1.", name, value));
  return value;
}

bool messages_reach_a_terminal() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && kind && std::string(kind) != "dumb";
}

}  // namespace heed::cli
