#pragma once

#include <cstddef>

namespace heed::test {

// How often this program has asked for memory so far: malloc and its relatives, and so operator new and
// Eigen. Under the address sanitizer the sanitizer's own hooks count. Always 0 under the thread sanitizer,
// where the tool that explains OpenMP to it takes memory for each parallel loop.
std::size_t heap_allocations();

}  // namespace heed::test
