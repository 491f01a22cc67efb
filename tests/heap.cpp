#include "tests/heap.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEED_OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEED_OWN_MALLOC 0
#endif
#endif
#if !defined(HEED_OWN_MALLOC) && defined(__GLIBC__)
#define HEED_OWN_MALLOC 1
#endif

namespace {
std::atomic<std::size_t> count{0};
}

namespace heed::test {
std::size_t heap_allocations() { return count.load(); }
}  // namespace heed::test

#if HEED_OWN_MALLOC
// The program's own definitions go before the C library's, which stay reachable by these names.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t bytes) {
  ++count;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t n, std::size_t bytes) {
  ++count;
  return __libc_calloc(n, bytes);
}
void* realloc(void* p, std::size_t bytes) {
  ++count;
  return __libc_realloc(p, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  ++count;
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++count;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t bytes) {
  ++count;
  *p = __libc_memalign(alignment, bytes);
  return *p ? 0 : ENOMEM;
}
}
#endif
