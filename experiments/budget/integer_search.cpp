#include "experiments/budget/integer_search.h"

#include <algorithm>
#include <cmath>

namespace heed {
namespace {

// Numbers without a value that lie side by side; heads that divide a width of 8192 are at most 4096 apart.
constexpr Index kWidestGap = 4096;

class Search {
 public:
  Search(double target, Index last, const std::function<std::optional<double>(Index)>& f)
      : target_(target), last_(last), f_(f) {}

  std::vector<Try> run(Index first) {
    if (auto low = scan(first, +1, last_)) bracket(*low);
    std::sort(tries_.begin(), tries_.end(), [&](const Try& a, const Try& b) {
      return distance(a) != distance(b) ? distance(a) < distance(b) : a.at < b.at;
    });
    return std::move(tries_);
  }

 private:
  double distance(const Try& t) const { return std::abs(t.value - target_); }
  bool on_same_side(const Try& a, const Try& b) const { return (a.value < target_) == (b.value < target_); }

  // The first number from `at` on, upwards or downwards, that has a value.
  std::optional<Try> scan(Index at, Index step, Index end) {
    for (Index n = 0; n < kWidestGap && (end - at) * step >= 0; ++n, at += step)
      if (const auto value = f_(at)) {
        tries_.push_back({at, *value});
        return tries_.back();
      }
    return std::nullopt;
  }

  // Doubles while the target comes nearer. A value that stays for a while has reached its end: a window that
  // is longer than the sequence.
  void bracket(Try low) {
    for (int unchanged = 0; unchanged < 3;) {
      const auto high = scan(std::max(2 * low.at, low.at + 1), +1, last_);
      if (!high) {
        if (low.at < last_)  // between here and the end
          if (const auto end = scan(last_, -1, low.at + 1); end && !on_same_side(low, *end)) halve(low, *end);
        return;
      }
      if (!on_same_side(low, *high)) return halve(low, *high);
      if (distance(*high) > distance(low)) return;
      unchanged = distance(*high) < distance(low) ? 0 : unchanged + 1;
      low = *high;
    }
  }

  void halve(Try low, Try high) {
    while (high.at - low.at > 1) {
      const Index middle = low.at + (high.at - low.at) / 2;
      auto next = scan(middle, +1, high.at - 1);
      if (!next) next = scan(middle - 1, -1, low.at + 1);
      if (!next) return;
      (on_same_side(low, *next) ? low : high) = *next;
    }
  }

  double target_;
  Index last_;
  const std::function<std::optional<double>(Index)>& f_;
  std::vector<Try> tries_;
};

}  // namespace

std::vector<Try> search_nearest(double target, Index first, Index last,
                                const std::function<std::optional<double>(Index)>& f) {
  return Search(target, last, f).run(first);
}

}  // namespace heed
