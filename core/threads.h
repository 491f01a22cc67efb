#pragma once

#include <omp.h>

#include <exception>

#include "core/error.h"
#include "core/views.h"

namespace heed {

// Runs task(i, worker) for i = 0 .. n-1 on up to `threads` threads; worker counts from 0. Divide work by
// problem size, never by thread count, and sum over tasks through one slot per task, added in index order:
// then the bits are the same for any number of threads. Throws: the exception of the smallest index among
// those that were thrown.
template <class Task>
void parallel_for(int threads, Index n, Task&& task) {
  if (threads <= 1 || n <= 1) {
    for (Index i = 0; i < n; ++i) task(i, 0);
    return;
  }
  HEED_CHECK(!omp_in_parallel(), "parallel_for is called inside parallel_for");
  std::exception_ptr failure;
  Index failed_at = n;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (Index i = 0; i < n; ++i) {
    try {
      task(i, omp_get_thread_num());
    } catch (...) {
#pragma omp critical(heed_parallel_for)
      if (i < failed_at) failed_at = i, failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace heed
