#include "experiments/budget/integer_search.h"

#include <algorithm>

namespace heed {
namespace {

// Numbers without a value that lie side by side; heads that divide a width of 8192 are at most 4096 apart.
constexpr Index kWidestGap = 4096;

// How often a search goes on doubling although the target is farther away. The FLOPs of block attention first
// fall with the size of a block, then rise.
constexpr int kMostAway = 12;

// Doubles until the target is between two numbers, then bisects. A value that stays for a while has reached
// its end: a window that is longer than the sequence.
void bracket(const IntegerSearch& search, Try low, Index last) {
  const auto never = [](const Try&) { return false; };
  for (int unchanged = 0, away = 0; unchanged < 3;) {
    const auto high = search.scan(std::max(2 * low.at, low.at + 1), +1, last);
    if (!high) {
      if (low.at >= last) return;
      const auto end = search.scan(last, -1, low.at + 1);  // between here and the end
      if (end && !search.on_same_side(low, *end)) search.halve(low, *end, never);
      return;
    }
    if (!search.on_same_side(low, *high)) return search.halve(low, *high, never);
    if (search.distance(*high) > search.distance(low) && ++away == kMostAway) return;
    unchanged = search.distance(*high) != search.distance(low) ? 0 : unchanged + 1;
    low = *high;
  }
}

}  // namespace

void IntegerSearch::sort(std::vector<Try>& tries) const {
  std::sort(tries.begin(), tries.end(), [&](const Try& a, const Try& b) {
    return distance(a) != distance(b) ? distance(a) < distance(b) : a.at < b.at;
  });
}

std::optional<Try> IntegerSearch::scan(Index at, Index step, Index end) const {
  for (Index n = 0; n < kWidestGap && (end - at) * step >= 0; ++n, at += step)
    if (const auto value = f_(at)) return Try{at, *value};
  return std::nullopt;
}

void IntegerSearch::halve(Try low, Try high, const std::function<bool(const Try&)>& near_enough) const {
  while (high.at - low.at > 1) {
    const Index middle = low.at + (high.at - low.at) / 2;
    auto next = scan(middle, +1, high.at - 1);
    if (!next) next = scan(middle - 1, -1, low.at + 1);
    if (!next || near_enough(*next)) return;
    (on_same_side(low, *next) ? low : high) = *next;
  }
}

std::vector<Try> search_nearest(double target, Index first, Index last, const IntegerFunction& f) {
  std::vector<Try> tries;
  const IntegerSearch search(target, [&](Index at) {
    const std::optional<double> value = f(at);
    if (value) tries.push_back({at, *value});
    return value;
  });
  if (const auto low = search.scan(first, +1, last)) bracket(search, *low, last);
  search.sort(tries);
  return tries;
}

}  // namespace heed
