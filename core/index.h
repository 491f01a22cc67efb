#pragma once

#include <cstddef>

namespace heed {

// Sizes, positions and counts: signed, so that differences are numbers. The same as Eigen::Index
// (core/views.h).
using Index = std::ptrdiff_t;

}  // namespace heed
