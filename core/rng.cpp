#include "core/rng.h"

#include <Random123/philox.h>
#include <xxhash.h>

#include <algorithm>
#include <boost/random/normal_distribution.hpp>
#include <boost/random/uniform_01.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <map>

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
  // Fisher-Yates, stopped after k: std::shuffle differs between standard libraries. Of the list 0 .. n-1 only
  // the places that a swap has changed are stored, so that a few of many cost no more than a few.
  std::map<std::ptrdiff_t, std::ptrdiff_t> swapped;
  const auto at = [&](std::ptrdiff_t i) {
    const auto found = swapped.find(i);
    return found == swapped.end() ? i : found->second;
  };
  std::vector<std::ptrdiff_t> chosen(static_cast<std::size_t>(k));
  for (std::ptrdiff_t i = 0; i < k; ++i) {
    const std::ptrdiff_t j = i + below(n - i);
    chosen[static_cast<std::size_t>(i)] = at(j);
    swapped[j] = at(i);
  }
  return chosen;
}

}  // namespace heed
