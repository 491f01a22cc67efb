#pragma once

#include <cmath>

#include "core/index.h"

namespace heed {

// Returns channel c of `channels` of the sinusoidal vector of position p: sin(p base^{-2i/C}) in channel 2i,
// the cosine in channel 2i + 1.
inline double wave(double base, Index p, Index c, Index channels) {
  const Index pair = c - c % 2;
  const double frequency = std::pow(base, -static_cast<double>(pair) / static_cast<double>(channels));
  const double angle = static_cast<double>(p) * frequency;
  return c % 2 == 0 ? std::sin(angle) : std::cos(angle);
}

}  // namespace heed
