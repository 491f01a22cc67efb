#pragma once

#include <cstdint>

#include "core/index.h"
#include "core/rng.h"

namespace heed {

// The order in which a finite set of n examples is read again and again: each pass reads all of them once, in
// a new random order. The order depends only on the seed and n, needs no memory, and each place in it is
// found by itself. Thread-safe.
//
// A pass's order is a Feistel network (Luby & Rackoff 1988) on the smallest domain of 4^h >= n numbers;
// numbers that are not below n are mapped again (cycle walking: Black & Rogaway 2002).
class Passes {
 public:
  // Requires: n > 0.
  Passes(std::uint64_t seed, Index n);

  // Returns which example is read at a place: places 0 .. n-1 are the first pass, n .. 2n-1 the second.
  Index example_at(std::uint64_t place) const;

 private:
  Index n_;
  unsigned half_bits_;  // h
  Rng rng_;
};

}  // namespace heed
