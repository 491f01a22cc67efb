#pragma once

#include <cstdint>
#include <span>

#include "core/rng.h"
#include "core/task.h"

namespace heed {

// The share of training sequences that are read in a random order, by the part of the training that is done
// (0 .. 1): 1 before `start`, 0 from `end` on, and linear between them. None: {0, 0}; all: {1, 1}.
struct Annealing {
  double start = 0, end = 0;

  double share(double done) const {
    if (done < start) return 1;
    return done < end ? (end - done) / (end - start) : 0;
  }
};

// The orders in which training reads the tokens of its sequences. Whether a sequence is in random order, and
// in which one, depends only on the seed, its place in the training and the share. Thread-safe.
class Orders {
 public:
  explicit Orders(std::uint64_t seed) : rng_(seed, "orders") {}

  // Writes a uniform random permutation of 0 .. n-1 with probability `share`, otherwise 0, 1, 2, ...
  void draw(std::uint64_t place, double share, std::span<Token> order) const;

 private:
  Rng rng_;
};

}  // namespace heed
