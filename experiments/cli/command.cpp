#include "experiments/cli/command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "experiments/cli/sweep_input.h"

namespace heed::cli {

int integer_option(const Input& input, const char* name, int otherwise, int most) {
  if (!input.has(name)) return otherwise;
  const int value = input.get<int>(name);
  if (value < 1) throw UsageError(fmt::format("--{} is {} but must be at least 1.", name, value));
  if (value > most) throw UsageError(fmt::format("--{} is {} but must be at most {}.", name, value, most));
  return value;
}

int threads_option(const Input& input) { return integer_option(input, "threads", 1, kMostThreads); }

int jobs_option(const Input& input, int threads) {
  return integer_option(input, "jobs", std::max(1, cores() / threads), kMostThreads);
}

std::int64_t seed_option(const Input& input) {
  const std::int64_t seed = input.has("seed") ? input.get<std::int64_t>("seed") : 0;
  if (seed < 0) throw UsageError(fmt::format("--seed is {} but must not be negative.", seed));
  return seed;
}

void refuse_ineffective(const Input& input, std::initializer_list<const char*> names, const char* why) {
  for (const char* name : names)
    if (input.has(name)) throw UsageError(fmt::format("--{} has no effect {}.", name, why));
}

bool messages_reach_a_terminal() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && kind && std::string(kind) != "dumb";
}

}  // namespace heed::cli
