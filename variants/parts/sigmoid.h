#pragma once

#include <algorithm>
#include <cmath>

namespace heed {

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// log sigmoid(x). For large negative x it is x, where log(sigmoid) is log(0).
inline double log_sigmoid(double x) { return std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x))); }

}  // namespace heed
