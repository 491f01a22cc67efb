#pragma once

#include <cstddef>

namespace heed::test {

// How often this program has asked for memory so far: malloc and its relatives, and so operator new and
// Eigen. Always 0 in a build with sanitizers, which have an allocator of their own.
std::size_t heap_allocations();

}  // namespace heed::test
