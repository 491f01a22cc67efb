#include "experiments/run/work_done.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <utility>

#include "experiments/system/files.h"

namespace heed {
namespace {

WorkDone* map(int fd) {
  void* page = mmap(nullptr, sizeof(WorkDone), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) fail_to("memfd", "map");
  return static_cast<WorkDone*>(page);
}

}  // namespace

SharedWorkDone::SharedWorkDone() : fd_(memfd_create("heed work done", MFD_CLOEXEC)) {
  if (fd_.get() < 0 || ftruncate(fd_.get(), sizeof(WorkDone)) != 0) fail_to("memfd", "create");
  page_ = new (map(fd_.get())) WorkDone;
}

SharedWorkDone::SharedWorkDone(Descriptor fd) : fd_(std::move(fd)), page_(map(fd_.get())) {}

SharedWorkDone::SharedWorkDone(SharedWorkDone&& other) noexcept
    : fd_(std::move(other.fd_)), page_(std::exchange(other.page_, nullptr)) {}

SharedWorkDone& SharedWorkDone::operator=(SharedWorkDone&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(page_, other.page_);
  return *this;
}

SharedWorkDone::~SharedWorkDone() {
  if (page_) munmap(page_, sizeof(WorkDone));
}

}  // namespace heed
