// Tests: tests/experiments/cli/{run,signals}_test.cpp and tests/faults/kill_test.cpp.
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

// Part k of n of a plan, so that several machines can run a sweep without communication. Trials are assigned
// to parts in turn, and each round begins one part later. Otherwise a part could get only one variant,
// because variants alternate in the plan.
struct Part {
  std::size_t index = 0, of = 1;
  static std::size_t of_trial(std::size_t trial, std::size_t parts) {
    return (trial + trial / parts) % parts;
  }
  bool has(std::size_t trial) const { return of_trial(trial, of) == index; }
};

struct RunOptions {
  int jobs = 1;     // trials side by side; a trial of R ranks counts R times
  int threads = 1;  // of each trial; changes no bit of a result
  std::optional<RunDirectory::FileTime>
      retry;                      // run trials again that failed or were killed before this time
  bool complete = false;          // train to the end what a rule has stopped; no rule is applied then
  bool keep_checkpoints = false;  // trials keep a checkpoint for longer ones
  bool fail_fast = false;         // stop at the first trial that fails, diverges or is killed
  bool must_progress = false;     // give up running trials if SIGUSR1 arrives before any progress, see below
  Part part;                      // the trials that this process runs
  std::string command;            // as the user typed it, for the records
  std::filesystem::path task_cache;  // what the trials read in place of computing it (Registry)
  std::vector<double> work;          // of each trial, to estimate the time left
  bool terminal = false;             // is standard error a terminal that can draw progress bars?
  bool reasons = true;               // does the line of a trial that is not done name the reason?
};

// Runs the trials of a sweep that have no file yet, each in a worker process (`heed trial`, the same
// program). If a worker dies, another worker records the failure: this process computes nothing and writes no
// HDF5.
//
// SIGINT, SIGTERM and SIGUSR1 (the warning of a batch system) stop the workers, which save checkpoints first.
// Finished trials are kept; running ones are pending again and continue from their checkpoints. A trial that
// exceeds the sweep's limits is ended and recorded as killed. With `must_progress`, running trials are
// recorded as killed too if SIGUSR1 arrives before any trial has ended or saved a later checkpoint: with this
// time limit they would never finish.
//
// Several processes may run in one run directory. A trial that another one runs is waited for.
//
// Throws: results::IoError if nothing can be written any more.
enum class SweepEnd { finished, stopped, failed_fast, gave_up };
SweepEnd run_trials(const RunDirectory& directory, const Sweep& sweep, const RunOptions& options,
                    const Signals& signals);

}  // namespace heed
