#pragma once

#include <cstdint>

namespace heed {

// Returns the number of multiply-adds that the calling thread has executed in core/ops/product.h so far,
// including those at pairs that a mask hides. Tests compare the formulas of Layer::cost with it.
std::uint64_t multiply_adds();

}  // namespace heed
