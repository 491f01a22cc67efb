#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/index.h"

namespace heed {

// An integer that was tried, and its value.
struct Try {
  Index at = 0;
  double value = 0;
};

// Searches the integer in first .. last at which `f` is nearest to a target. f is monotonic, and may lack a
// value at some integers (heads must divide a width). Doubles from the first number on until the target is
// between two, then bisects: about 2 log2(answer) calls. Returns all numbers that were tried, the nearest
// first, of equally near ones the smaller first; empty if f has no value at all.
std::vector<Try> search_nearest(double target, Index first, Index last,
                                const std::function<std::optional<double>(Index)>& f);

}  // namespace heed
