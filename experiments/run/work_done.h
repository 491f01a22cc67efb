#pragma once

#include <atomic>

#include "core/index.h"
#include "experiments/system/process.h"

namespace heed {

// How far a trial is, kept by its worker. In a page that the supervisor sees too it is there after any end of
// the worker, to the update, and costs no system call.
struct WorkDone {
  std::atomic<Index> updates = 0;           // completed, those of processes that went before included
  std::atomic<double> earlier_seconds = 0;  // wall time of those processes
};
static_assert(std::atomic<Index>::is_always_lock_free && std::atomic<double>::is_always_lock_free);

// Such a page; it lives as long as one of the two processes.
class SharedWorkDone {
 public:
  SharedWorkDone();                        // a new one. results::IoError
  explicit SharedWorkDone(Descriptor fd);  // that of the supervisor, inherited
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
