#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/registry.h"
#include "experiments/run/work_done.h"
#include "experiments/run/worker.h"

namespace heed {

// A trial with train.context_parallel is trained by several processes. The worker that the supervisor knows
// is their launcher: it starts them by mpirun or srun, passes on what rank 0 reports, and records why the
// trial ended if no rank could. Rank 0 does everything else that a worker does.

// What ranks need of their launcher, as one word for their command line.
struct Launcher {
  int pid = 0;
  std::string host, mark;
};
std::string to_string(const Launcher& launcher);
Launcher launcher_from(const std::string& text);  // Throws: heed::Error

// Starts the ranks of a trial and waits for their end. Returns the exit code of the worker.
// Asked to stop, it asks the ranks to save a checkpoint. They end with this process, however it ends.
int launch(const WorkerOptions& options);

// Returns the page for its progress that the launcher has under this descriptor, if that is on this host:
// then the supervisor knows the last step, however the ranks end.
std::optional<SharedWorkDone> work_done_of(const Launcher& launcher, int descriptor);

// Trains as one rank. Rank 0 calls print(record). Returns the exit code.
int work_as_rank(WorkerOptions options, const Launcher& launcher, Registry& registry,
                 const std::function<void(const results::Record&)>& print);

}  // namespace heed
