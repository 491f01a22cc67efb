#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/registry.h"
#include "experiments/run/work_done.h"
#include "experiments/train/trial.h"

namespace heed {

// What a worker tells its supervisor, a line each, through a pipe.
struct WorkerReport {
  std::optional<TrialProgress> progress;  // "step 120 2000 0.53 0.98 1.25 0"
  std::string ended, reason;              // "ended diverged the loss ...": the trial's file is written
  std::string refused;  // "refused trials/x.h5: cannot write ...": the machine did, and the log may be on
                        // that disk, too
  std::optional<Index> continues;  // "continues 120": continues from a checkpoint of step 120
  std::optional<Index> saved;      // "saved 160": a checkpoint, whole
  std::string note;                // "note The checkpoint ...": for the user
};
std::string to_line(const TrialProgress& progress);
WorkerReport read_report(const std::string& line);

// Beyond so many bytes, allocation fails in this process. 0: no limit.
void limit_memory(double bytes);

// One trial in this process.
struct WorkerOptions {
  TrialConfig trial;
  int threads = 1;
  std::int64_t jobs = 1;  // trials side by side, this one included
  std::int64_t plan_index = 0;
  std::string command;               // of the user, for the record
  int report_to = -1;                // a file descriptor for lines; -1: none
  std::filesystem::path progress;    // a file for who looks from outside, written now and then; empty: none
  WorkDone* done = nullptr;          // where to keep how far it is; null: nobody asks
  bool replace = false;              // by a failure, that of a trial that failed before; never a result
  std::filesystem::path out;         // empty: nothing is written
  std::filesystem::path checkpoint;  // base name of its checkpoints; empty: none, and signals end the process
  double memory_bytes = 0;           // that it may take; 0: no limit
};

// Loads the trial's plugins into the registry, trains and writes the trial's file. What throws is recorded as
// failed, with its message. Returns what was written.
//
// With a checkpoint it continues where one was left, saves one now and then, and SIGTERM, SIGINT and SIGUSR1
// make it save one and return nothing.
std::optional<results::Record> work(const WorkerOptions& options, Registry& registry);

// Writes the record of a trial whose process did not live to write it.
struct Failure {
  results::Status status = results::Status::failed;
  std::string reason;
  std::int64_t last_step = 0;
  double seconds = 0;
};
results::Record record_failure(const WorkerOptions& options, const Failure& failure);

}  // namespace heed
