#include "core/passes.h"

#include <array>

#include "core/error.h"

namespace heed {
namespace {

constexpr std::size_t kRounds = 6;  // four make a pseudo-random permutation of a large domain; this is small

// The finalizer of SplitMix64 (Steele et al. 2014): every bit of the result depends on every bit of x.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
  x = (x ^ x >> 27) * 0x94D049BB133111EB;
  return x ^ x >> 31;
}

}  // namespace

Passes::Passes(std::uint64_t seed, Index n) : n_(n), half_bits_(1), rng_(seed, "passes") {
  HEED_CHECK(n > 0, "a set of examples is empty");
  while (Index{1} << 2 * half_bits_ < n) ++half_bits_;
}

// left, right = right, left ^ F(right, key)   in each round
Index Passes::example_at(std::uint64_t place) const {
  const auto n = static_cast<std::uint64_t>(n_);
  Draws draws = rng_.at(place / n);
  std::array<std::uint64_t, kRounds> keys{};
  for (std::uint64_t& key : keys) key = draws();
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  std::uint64_t x = place % n;
  do {
    std::uint64_t left = x >> half_bits_, right = x & mask;
    for (const std::uint64_t key : keys) {
      const std::uint64_t next = left ^ (mix(right ^ key) & mask);
      left = right;
      right = next;
    }
    x = left << half_bits_ | right;
  } while (x >= n);
  return static_cast<Index>(x);
}

}  // namespace heed
