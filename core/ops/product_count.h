#pragma once

#include <cstdint>

namespace heed {

// The multiply-adds that the calling thread has sent through core/ops/product.h so far, be what they were
// made from hidden by a mask or not. What the formulas of Layer::cost are held against.
std::uint64_t multiply_adds();

}  // namespace heed
