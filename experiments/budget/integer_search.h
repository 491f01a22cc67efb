#pragma once

#include <cmath>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "core/index.h"

namespace heed {

// An integer that was tried, and its value.
struct Try {
  Index at = 0;
  double value = 0;
};

// Returns nullopt if there is no value at an integer (heads must divide a width).
using IntegerFunction = std::function<std::optional<double>(Index)>;

// The steps that searches for an integer share. The function is monotonic.
class IntegerSearch {
 public:
  IntegerSearch(double target, IntegerFunction f) : target_(target), f_(std::move(f)) {}

  double distance(const Try& t) const { return std::abs(t.value - target_); }
  bool on_same_side(const Try& a, const Try& b) const { return (a.value < target_) == (b.value < target_); }
  void sort(std::vector<Try>& tries) const;  // the nearest first, of equally near ones the smaller first

  // Returns the first number from `at` to `end`, upwards or downwards, that has a value.
  std::optional<Try> scan(Index at, Index step, Index end) const;

  // Halves the range between two numbers on different sides of the target, until they are neighbors or a
  // number is `near_enough`.
  void halve(Try low, Try high, const std::function<bool(const Try&)>& near_enough) const;

 private:
  double target_;
  IntegerFunction f_;
};

// Searches the integer in first .. last at which `f` is nearest to a target. Doubles from the first number on
// until the target is between two, then bisects: about 2 log2(answer) calls. f may fall and then rise, or the
// other way round; of a monotonic f that moves away from the target, some more numbers are tried in vain.
// Returns all numbers that were tried, the nearest first, of equally near ones the smaller first; empty if f
// has no value at all.
std::vector<Try> search_nearest(double target, Index first, Index last, const IntegerFunction& f);

}  // namespace heed
