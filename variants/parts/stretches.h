#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "core/index.h"

namespace heed {

// Numbers first, first + step, ... before end: most often keys.
struct Stretch {
  Index first, end, step = 1;
  Index size() const { return first < end ? (end - first + step - 1) / step : 0; }
  Index last() const { return first + (size() - 1) * step; }  // Requires: size() > 0
};
using Stretches = std::vector<Stretch>;

inline void append(const Stretch& a, Stretches& out) {
  if (a.size() > 0) out.push_back(a);
}

// Returns the numbers of a from `from` on, and before `end`.
inline Stretch clipped(Stretch a, Index from, Index end) {
  if (a.first < from) a.first += (from - a.first + a.step - 1) / a.step * a.step;
  a.end = std::min(a.end, end);
  return a;
}

// Returns the numbers that are in both: they are a stretch, too.
inline Stretch common(const Stretch& a, const Stretch& b) {
  Stretch c = clipped(a, b.first, std::min(a.end, b.end));
  const Index repeats = b.step / std::gcd(a.step, b.step);  // remainders of a's numbers by b.step
  for (Index k = 0; k < repeats && c.first < c.end; ++k, c.first += a.step)
    if ((c.first - b.first) % b.step == 0) return {c.first, c.end, a.step * repeats};
  return {0, 0};
}

// Appends the numbers of a that are not in b: those before, between and after the common ones.
inline void append_without(const Stretch& a, const Stretch& b, Stretches& out) {
  const Stretch c = common(a, b);
  if (c.size() == 0) return append(a, out);
  append({a.first, c.first, a.step}, out);
  for (Index first = c.first + a.step; first < std::min(c.first + c.step, c.last()); first += a.step)
    append({first, c.last(), c.step}, out);
  append({c.last() + a.step, a.end, a.step}, out);
}

// Returns the numbers at which `in` is not 0, as few stretches of step 1 or of `step`.
inline Stretches stretches_of(const std::vector<std::uint8_t>& in, Index step) {
  const Index n = std::ssize(in);
  const auto with_step = [&](Index by) {
    Stretches out;
    for (Index start = 0; start < std::min(by, n); ++start) {
      Index first = -1;  // of a stretch that has begun
      for (Index at = start; at < n + by; at += by) {
        const bool now = at < n && in[static_cast<std::size_t>(at)];
        if (now && first < 0) first = at;
        if (!now && first >= 0) out.push_back({first, at - by + 1, by}), first = -1;
      }
    }
    return out;
  };
  const Stretches runs = with_step(1), others = step > 1 ? with_step(step) : runs;
  return others.size() < runs.size() ? others : runs;
}

}  // namespace heed
