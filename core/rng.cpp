#include "core/rng.h"

#include <Random123/philox.h>
#include <xxhash.h>

#include <algorithm>
#include <boost/random/normal_distribution.hpp>
#include <boost/random/uniform_01.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <numeric>

#include "core/error.h"

namespace heed {

Rng::Rng(std::uint64_t seed, std::string_view name) : key_{seed, XXH64(name.data(), name.size(), 0)} {}

Draws::result_type Draws::operator()() {
  if (left_ == 0) {
    const r123::Philox4x64 philox;
    const auto block = philox({{counter_[0]++, counter_[1], counter_[2], counter_[3]}}, {{key_[0], key_[1]}});
    std::copy(block.begin(), block.end(), block_.begin());
    left_ = 4;
  }
  return block_[static_cast<std::size_t>(4 - left_--)];
}

// Distributions are Boost's: those of <random> differ between standard libraries.
double Draws::uniform() { return boost::random::uniform_01<double>()(*this); }
double Draws::normal() { return boost::random::normal_distribution<double>()(*this); }
std::ptrdiff_t Draws::below(std::ptrdiff_t n) {
  return boost::random::uniform_int_distribution<std::ptrdiff_t>(0, n - 1)(*this);
}
bool Draws::chance(double probability) { return uniform() < probability; }

std::vector<std::ptrdiff_t> Draws::sample(std::ptrdiff_t n, std::ptrdiff_t k) {
  HEED_CHECK(k <= n, "more different numbers were asked for than there are");
  std::vector<std::ptrdiff_t> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  // Fisher-Yates, stopped after k: std::shuffle differs between standard libraries.
  for (std::ptrdiff_t i = 0; i < k; ++i)
    std::swap(all[static_cast<std::size_t>(i)], all[static_cast<std::size_t>(i + below(n - i))]);
  all.resize(static_cast<std::size_t>(k));
  return all;
}

}  // namespace heed
