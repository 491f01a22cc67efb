#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace heed {

// The draws at one counter of a stream: a uniform random bit generator of 64 bits (standard library
// concept). Made by Rng::at.
class Draws {
 public:
  using result_type = std::uint64_t;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()();

  double uniform();                        // [0, 1)
  double normal();                         // mean 0, stddev 1
  std::ptrdiff_t below(std::ptrdiff_t n);  // 0 .. n-1, equally likely
  bool chance(double probability);
  // Returns k different numbers of 0 .. n-1 in random order. Requires: k <= n.
  std::vector<std::ptrdiff_t> sample(std::ptrdiff_t n, std::ptrdiff_t k);

 private:
  friend class Rng;
  Draws(std::array<std::uint64_t, 2> key, std::uint64_t step, std::uint64_t index)
      : key_(key), counter_{0, index, step, 0} {}
  std::array<std::uint64_t, 2> key_;
  std::array<std::uint64_t, 4> counter_, block_{};
  int left_ = 0;  // words of block_ not yet used
};

// A named stream of random numbers. Counter-based (Philox of Random123: Salmon et al. 2011): the key is
// (seed, name), the counter is (step, index). So there is no state to save or to share between threads, and
// a new stream does not change the draws of others.
class Rng {
 public:
  Rng(std::uint64_t seed, std::string_view name);
  Draws at(std::uint64_t step, std::uint64_t index = 0) const { return Draws(key_, step, index); }

 private:
  std::array<std::uint64_t, 2> key_;
};

}  // namespace heed
