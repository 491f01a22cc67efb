#include "tests/heap.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace {
std::atomic<std::size_t> count{0};
}

#if defined(HEED_SANITIZE_ADDRESS)

// Of <sanitizer/allocator_interface.h>, which GCC does not ship although its library has it.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void*, std::size_t),
                                                         void (*freed)(const volatile void*));

namespace heed::test {
std::size_t heap_allocations() {
  static const int installed = __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t) { ++count; }, [](const volatile void*) {});
  return count.load() + (installed > 0 ? 1 : 0);  // 0 would say that nothing counts
}
}  // namespace heed::test

#else

namespace heed::test {
std::size_t heap_allocations() { return count.load(); }
}  // namespace heed::test

#endif

#if defined(__GLIBC__) && !defined(HEED_SANITIZE_ADDRESS) && !defined(HEED_SANITIZE_THREAD)
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
