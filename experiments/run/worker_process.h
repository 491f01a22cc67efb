#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "experiments/run/work_done.h"
#include "experiments/run/worker.h"
#include "experiments/system/clock.h"
#include "experiments/system/process.h"

namespace heed {

// The supervisor's view of a worker.
struct Worker {
  std::size_t trial;
  pid_t pid;
  Descriptor pipe;
  Descriptor log;  // has the trial's lock, until the trial's end is recorded
  SharedWorkDone done;
  double since;
  bool records_failure = false;
  Index began = 0, saved = 0;           // the step of the checkpoint that it continues, and of its latest one
  std::optional<Index> continues = {};  // `began`, until it is reported to the user
  Index shorter = 0;                    // as in WorkerReport
  TrialProgress progress = {};
  std::string ended = {}, reason = {}, refused = {};  // as in WorkerReport
  std::string beyond = {};                            // the limit that it exceeded
  std::vector<std::string> notes = {};                // for the user, in order of arrival
  std::string unread = {};

  // Returns the seconds of its trial so far, including earlier processes.
  double wall_seconds() const { return done->earlier_seconds + steady_seconds() - since; }

  // Reads the pipe. Returns true if there is new progress.
  bool read_reports();
};

// Starts `heed trial` with these arguments. `log` is locked, and receives the worker's output.
Worker start_worker(std::size_t trial, const std::vector<std::string>& arguments, Descriptor log,
                    const Signals& signals);

// Returns why a process ended without a result, from the status of waitpid.
Failure failure_of(int wait_status);

// Returns true if the worker ended because it was asked to stop, which is not a failure.
bool was_asked_to_leave(int wait_status);

}  // namespace heed
