#pragma once

#include <atomic>

#include "core/index.h"
#include "experiments/system/process.h"

namespace heed {

// The progress of a trial, written by its worker into memory that it shares with the supervisor. So the
// supervisor knows the last training step however the worker ends, and no system call is needed.
struct WorkDone {
  std::atomic<Index> steps = 0;             // completed training steps, including those of earlier processes
  std::atomic<double> earlier_seconds = 0;  // wall time of the earlier processes
};
static_assert(std::atomic<Index>::is_always_lock_free && std::atomic<double>::is_always_lock_free);

// The shared page; it exists as long as one of the two processes.
class SharedWorkDone {
 public:
  SharedWorkDone();                        // makes a new one. Throws: results::IoError
  explicit SharedWorkDone(Descriptor fd);  // opens the supervisor's, inherited
  SharedWorkDone(SharedWorkDone&& other) noexcept;
  SharedWorkDone& operator=(SharedWorkDone&& other) noexcept;
  ~SharedWorkDone();

  WorkDone& operator*() const { return *page_; }
  WorkDone* operator->() const { return page_; }
  int descriptor() const { return fd_.get(); }

 private:
  Descriptor fd_;
  WorkDone* page_ = nullptr;
};

}  // namespace heed
