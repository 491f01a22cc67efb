#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <type_traits>

#include "core/index.h"

namespace heed {

// Elementwise functions of a row process this many numbers at a time. The last ones of a row are processed
// with zeros behind them, by the same instructions. So the bits of a number do not depend on its place.
constexpr Index kLanes = 16;
template <class S>
using Lanes = Eigen::Array<S, kLanes, 1>;

// Returns the first n numbers (at most kLanes), then zeros. Inlined, because n is often a constant.
template <class S>
[[gnu::always_inline]] inline Lanes<S> load(const S* from, Index n) {
  if (n >= kLanes) return Eigen::Map<const Lanes<S>>(from);
  Lanes<S> x = Lanes<S>::Zero();
  std::copy_n(from, n, x.data());
  return x;
}

// Writes the first n numbers (at most kLanes).
template <class S>
[[gnu::always_inline]] inline void store(const Lanes<S>& x, S* to, Index n) {
  if (n < kLanes) {
    std::copy_n(x.data(), n, to);
  } else {
    Eigen::Map<Lanes<S>> whole(to);
    whole = x;
  }
}

// Calls f(at, n) for the lanes of a row of `size` numbers. n is a constant (std::integral_constant), except
// for the last ones.
template <class F>
void for_lanes(Index size, F f) {
  Index at = 0;
  for (; at + kLanes <= size; at += kLanes) f(at, std::integral_constant<Index, kLanes>());
  if (at < size) f(at, size - at);
}

// 1 / (1 + e^-x); an overflow of e^-x gives 0.
template <class S>
Lanes<S> sigmoid(const Lanes<S>& x) {
  return (S(1) + (-x).exp()).inverse();
}

}  // namespace heed
