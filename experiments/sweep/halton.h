#pragma once

#include <cstddef>
#include <cstdint>

#include "core/rng.h"

namespace heed {

// A coordinate of a point of a low-discrepancy sequence. It has the members of Draws that `draw` uses
// (experiments/sweep/parameter.h).
class Coordinate {
 public:
  explicit Coordinate(double u) : u_(u) {}
  double uniform() const { return u_; }  // [0, 1)
  std::ptrdiff_t below(std::ptrdiff_t n) const {
    return static_cast<std::ptrdiff_t>(u_ * static_cast<double>(n));
  }

 private:
  double u_;
};

// Dimensions that halton has.
constexpr std::size_t kHaltonDimensions = 100;

// Returns the coordinate of point t in a dimension of the scrambled Halton sequence, whose base b is the
// dimension's prime number. The digits of t in base b, in reverse order, are the digits of the coordinate;
// each digit goes through a random permutation, drawn from `scramble` for its place. So of any b^k
// consecutive points that begin at a multiple of b^k, each interval [i, i+1) / b^k has exactly one. The
// coordinate depends only on scramble, dimension and t. Halton 1960; Owen 2017. Requires: dimension <
// kHaltonDimensions.
Coordinate halton(const Rng& scramble, std::size_t dimension, std::uint64_t t);

}  // namespace heed
