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

// A worker as its supervisor sees it.
struct Worker {
  std::size_t trial;
  pid_t pid;
  Descriptor pipe;
  Descriptor log;  // with the trial's lock, which is kept until it is recorded what the trial came to
  SharedWorkDone done;
  double since;
  bool records_failure = false;
  Index began = 0, saved = 0;           // the steps of the checkpoint that it continues, and of its own
  std::optional<Index> continues = {};  // the former, when it is news
  TrialProgress progress = {};
  std::string ended = {}, reason = {}, refused = {};  // as in WorkerReport
  std::string beyond = {};                            // which limit it was ended for
  std::vector<std::string> notes = {};                // for the user, in the order in which they came
  std::string unread = {};

  // Of its trial until now, with processes that went before.
  double wall_seconds() const { return done->earlier_seconds + steady_seconds() - since; }

  // Takes what has come through the pipe. Is there news of its progress?
  bool read_reports();
};

// Starts `heed trial` with these arguments. `log` is locked, and takes what the worker prints.
Worker start_worker(std::size_t trial, const std::vector<std::string>& arguments, Descriptor log,
                    const Signals& signals);

// Why a process ended without a result, by what waitpid says.
Failure failure_of(int wait_status);

// A worker that a batch system or a person has asked to leave: no failure.
bool was_asked_to_leave(int wait_status);

}  // namespace heed
