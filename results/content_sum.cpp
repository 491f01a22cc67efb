#include "results/content_sum.h"

#include <fmt/format.h>
#include <xxhash.h>

namespace heed::results {

void ContentSum::add(std::string_view name, std::span<const std::byte> bytes, std::uint64_t place) {
  const std::uint64_t seed = XXH64(name.data(), name.size(), place);
  sum_ += XXH64(bytes.data(), bytes.size(), seed);
}

void ContentSum::add(std::string_view name, std::string_view text, std::uint64_t place) {
  add(name, std::as_bytes(std::span(text)), place);
}

std::string ContentSum::hex() const { return fmt::format("{:016x}", sum_); }

}  // namespace heed::results
