// What a test and the fault library share: a small file that both map into memory. Every process that is
// started with the library counts on in the same counter, so the k-th call is the k-th of the supervisor and
// all its workers together.
#pragma once

#include <sys/types.h>

#include <atomic>

namespace heed::test {

// The environment variable that names the file.
constexpr const char* kFaultVariable = "HEED_FAULT_PLAN";

enum class Fault : int {
  none,           // only count, as broken_device does
  full_disk,      // calls that take room fail with ENOSPC
  broken_device,  // every call fails with EIO
  short_write,    // a write writes half of its bytes
  kill_all,       // supervisor and worker end by SIGKILL; a write writes half before
  kill_one,       // only the calling process ends by SIGKILL
  no_memory,      // an allocation fails
};

struct FaultPlan {
  Fault fault;
  bool for_good;     // from the k-th call on, not only at that one; a short write is followed by a full disk
  long at;           // k, from 1; 0: never
  char folder[512];  // only calls on paths below it count; allocations count everywhere

  std::atomic<long> calls, fired;
  std::atomic<pid_t> supervisor;
  char where[600];  // the first call that was made to fail: "fsync /tmp/x/r/trials"
};

}  // namespace heed::test
