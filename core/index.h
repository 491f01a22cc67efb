#pragma once

#include <cstddef>

namespace heed {

// Sizes, positions and counts. Signed, so that differences may be negative. The same type as Eigen::Index
// (core/views.h).
using Index = std::ptrdiff_t;

}  // namespace heed
