#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "experiments/run/run_directory.h"
#include "experiments/sweep/sweep.h"
#include "experiments/system/process.h"

namespace heed {

// Part k of n of a plan, so that several machines can run a sweep without communication. Trials are dealt out
// in turn, and each round begins one part later: variants alternate in the plan, and no part must get the
// same variant each time.
struct Part {
  std::size_t index = 0, of = 1;
  static std::size_t of_trial(std::size_t trial, std::size_t parts) {
    return (trial + trial / parts) % parts;
  }
  bool has(std::size_t trial) const { return of_trial(trial, of) == index; }
};

struct RunOptions {
  int jobs = 1;                                 // trials side by side
  int threads = 1;                              // of each trial; never changes a bit of a result
  std::optional<RunDirectory::FileTime> retry;  // run trials again that failed or were killed before
  bool fail_fast = false;                       // stop at the first trial that does not end well
  bool must_progress = false;  // by the next SIGUSR1; otherwise the running trials are given up
  Part part;                   // the trials that are this process's to run
  std::string command;         // as the user typed it, for the records
  std::vector<double> work;    // of each trial, for the time that is left
  bool terminal = false;       // is standard error, where progress goes, a terminal that can draw?
};

// Runs the trials of a sweep that have no file yet, each in a process of its own that this program starts
// from itself (`heed trial`). A worker that dies is recorded, by another worker: this process computes
// nothing and writes no HDF5. SIGINT, SIGTERM and SIGUSR1 (a batch system's warning) stop the workers, which
// save a checkpoint first: what is finished stays, what was running is pending and continues from there. A
// trial that goes beyond the sweep's limits is ended and recorded as killed. With `must_progress` so are the
// running ones when SIGUSR1 comes before any trial has ended or has a later checkpoint than at the beginning:
// under this time limit they would be started for ever.
//
// Several processes may do this in one run directory: a trial that another one runs is waited for.
//
// Throws results::IoError when nothing can be written any more.
enum class SweepEnd { finished, stopped, failed_fast, gave_up };
SweepEnd run_trials(const RunDirectory& directory, const Sweep& sweep, const RunOptions& options,
                    const Signals& signals);

}  // namespace heed
