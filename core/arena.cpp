#include "core/arena.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace heed {
namespace {
constexpr std::size_t kFirstBlock = std::size_t{1} << 16;
}

void Arena::Free::operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{kAlignment}); }

void* Arena::allocate(std::size_t bytes) {
  const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  while (at_.block < blocks_.size() && at_.used + rounded > blocks_[at_.block].size) at_ = {at_.block + 1, 0};
  if (at_.block == blocks_.size()) {
    // Doubling keeps the number of blocks small.
    const std::size_t size = std::max({rounded, kFirstBlock, blocks_.empty() ? 0 : 2 * blocks_.back().size});
    blocks_.push_back(
        {std::unique_ptr<std::byte[], Free>(new (std::align_val_t{kAlignment}) std::byte[size]), size});
  }
  void* const p = blocks_[at_.block].bytes.get() + at_.used;
  at_.used += rounded;
#ifndef NDEBUG
  std::memset(p, 0xff, rounded);  // all bits set is a NaN in float and in double
#endif
  return p;
}

void Arena::rewind(Mark mark) { at_ = mark; }

std::size_t Arena::reserved() const {
  std::size_t sum = 0;
  for (const Block& b : blocks_) sum += b.size;
  return sum;
}

}  // namespace heed
