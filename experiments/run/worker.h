#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/communicator.h"
#include "core/registry.h"
#include "experiments/run/rungs.h"
#include "experiments/run/work_done.h"
#include "experiments/train/trial.h"

namespace heed {

// A message of a worker to its supervisor: one line through a pipe.
struct WorkerReport {
  std::optional<TrialProgress> progress;  // "step 120 2000 0.53 0.98 1.25 0"
  std::string ended, reason;              // "ended diverged the loss ...": the trial file is written
  std::string refused;  // "refused trials/x.h5: cannot write ...": a write failed; the log may be on that
                        // disk too
  std::optional<Index> continues;  // "continues 120 0": continues from a checkpoint of step 120
  Index shorter = 0;               // "continues 120 150": which a trial with train.steps=150 has kept
  std::optional<Index> saved;      // "saved 160": a complete checkpoint of step 160
  std::string note;                // "note The checkpoint ...": for the user
};
std::string to_line(const TrialProgress& progress);
WorkerReport read_report(const std::string& line);

// Makes allocations of this process fail beyond this many bytes. 0: no limit.
void limit_memory(double bytes);

// One trial in this process.
struct WorkerOptions {
  TrialConfig trial;
  int threads = 1;
  std::int64_t jobs = 1;  // trials side by side, this one included
  std::string run;        // of the process that supervises it, for the record (results/record.h)
  std::int64_t plan_index = 0;
  std::string command;               // of the user, for the record
  int report_to = -1;                // a file descriptor for messages; -1: none
  std::filesystem::path progress;    // a file for `heed status`, written from time to time; empty: none
  WorkDone* done = nullptr;          // gets the number of completed steps; may be null
  bool replace = false;              // a failure may replace an earlier failure, but no result
  std::filesystem::path out;         // empty: nothing is written
  std::filesystem::path checkpoint;  // base name of its checkpoints; empty: none, and signals end the process
  bool keep = false;                 // a checkpoint for longer trials (experiments/train/kept_states.h)
  double memory_bytes = 0;           // limit of its memory; 0: no limit
  std::optional<Contest> contest = {};  // a rule may stop it, and its checkpoints then stay
  Communicator* communicator =
      nullptr;            // the ranks that train it together with this process, which is rank 0
  std::string mark = {};  // of reports among the other output of ranks; empty: no other output
};

// Loads the trial's plugins into the registry, trains and writes the trial file. An exception is recorded as
// a failure, with its message. Returns the record that was written.
//
// With a communicator, this process is rank 0. An exception of class LostRank is passed on then, because
// another rank has the reason.
//
// With options.checkpoint, it continues from a checkpoint if there is one and saves one from time to time.
// SIGTERM, SIGINT and SIGUSR1 then make it save one and return nullopt.
std::optional<results::Record> work(const WorkerOptions& options, Registry& registry);

// Returns the record, if a rule has stopped the trial before it was continued. `work` asks the rule, too, but
// not with a communicator: the other ranks are there then.
std::optional<results::Record> stopped_before_start(const WorkerOptions& options);

// Makes SIGTERM, SIGINT and SIGUSR1 ask this process to save a checkpoint and to end.
void leave_when_asked();

// Returns the reason of a trial that has ended with the exception that is being handled.
std::string reason_of_exception(const WorkerOptions& options);

// Sends a message to the supervisor.
void send_report(const WorkerOptions& options, const std::string& line);

// Writes the record of a trial whose process ended before it could.
struct Failure {
  results::Status status = results::Status::failed;
  std::string reason;
  std::int64_t last_step = 0;
  double seconds = 0;
};
results::Record record_failure(const WorkerOptions& options, const Failure& failure);

}  // namespace heed
