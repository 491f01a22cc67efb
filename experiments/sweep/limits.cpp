#include "experiments/sweep/limits.h"

#include <unistd.h>

#include <optional>

#include "experiments/trial/quantity.h"

namespace heed {
namespace {

constexpr double kSmallest = 1 << 20;

double machine_bytes() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Bytes, or a share of the machine's.
std::optional<double> read_memory(const std::string& text) {
  if (!text.ends_with('%')) return read_bytes(text);
  const std::optional<double> percent = read_bytes(text.substr(0, text.size() - 1));
  if (!percent || *percent > 100) return std::nullopt;
  return *percent / 100 * machine_bytes();
}

}  // namespace

void LimitOptions::check(const Refuse& refuse) const {
  if (!read_duration(time)) refuse("time", "expected a time as 30s, 10m or 2h, found '" + time + "'.");
  const std::optional<double> bytes = read_memory(memory);
  if (!bytes) refuse("memory", "expected a size as 512MiB, 2GiB or 50%, found '" + memory + "'.");
  if (bytes && *bytes > 0 && *bytes < kSmallest)
    refuse("memory", "no trial fits into less than 1 MiB, found '" + memory +
                         "'. A number without a unit is in bytes: write 1GiB, or 0 for no limit.");
  if (!read_bytes(output)) refuse("output", "expected a size as 512kB or 10MiB, found '" + output + "'.");
}

Limits limits_of(const LimitOptions& o) {
  return {read_duration(o.time).value_or(0), read_memory(o.memory).value_or(0),
          read_bytes(o.output).value_or(0)};
}

}  // namespace heed
