#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace heed {

constexpr std::size_t kAlignment = 64;  // bytes; one cache line, one AVX-512 register

// A bump allocator. Allocated memory is valid until the arena is rewound past it. It is not initialized
// (debug builds fill it with NaN, so that reading before writing shows). Blocks are kept when rewound: a
// loop that allocates the same sizes in each iteration uses the heap only in the first one. Not
// thread-safe.
class Arena {
 public:
  struct Mark {
    std::size_t block = 0, used = 0;
  };

  Arena() = default;
  Arena(Arena&&) = default;
  Arena& operator=(Arena&&) = default;

  void* allocate(std::size_t bytes);  // aligned to kAlignment; bytes may be 0
  Mark mark() const { return at_; }
  void rewind(Mark mark);            // frees everything allocated after the mark
  void rewind() { rewind(Mark()); }  // frees everything
  std::size_t reserved() const;      // bytes taken from the heap so far

 private:
  struct Free {
    void operator()(std::byte* p) const;
  };
  struct Block {
    std::unique_ptr<std::byte[], Free> bytes;
    std::size_t size;
  };
  std::vector<Block> blocks_;
  Mark at_;
};

}  // namespace heed
