#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/index.h"

namespace heed {

// An integer that was tried and what came of it.
struct Try {
  Index at = 0;
  double value = 0;
};

// Looks for the integer in first .. last at which `f` comes nearest to a target. f rises or falls
// (or stays as it is), and need not have a value everywhere: heads must divide a width. Doubles from the
// first number on until the target lies between two, then halves; about 2 log2(answer) calls. All numbers
// that were tried, the nearest first; of equally near ones the smaller first. Empty where f has no value at
// all.
std::vector<Try> search_nearest(double target, Index first, Index last,
                                const std::function<std::optional<double>(Index)>& f);

}  // namespace heed
