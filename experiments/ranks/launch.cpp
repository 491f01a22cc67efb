#include "experiments/ranks/launch.h"

#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>

#include "experiments/system/files.h"

namespace heed {
namespace {

bool in_slurm_job() { return std::getenv("SLURM_JOB_ID") && !find_program("srun").empty(); }

}  // namespace

std::filesystem::path launcher_program() { return find_program(in_slurm_job() ? "srun" : "mpirun"); }

std::filesystem::path memory_folder() {
  const char* const folder = "/dev/shm";
  return access(folder, W_OK | X_OK) == 0 ? folder : "";
}

std::vector<std::string> launch_words(int ranks, int threads, const std::filesystem::path& scratch) {
  const std::string program = launcher_program().string();
  if (in_slurm_job())
    // Trials side by side share the job's processors, and a rank that ends ends the others.
    return {program,
            "--mpi=pmix",
            fmt::format("--ntasks={}", ranks),
            fmt::format("--cpus-per-task={}", threads),
            "--overlap",
            "--kill-on-bad-exit=1",
            "--cpu-bind=none"};
  // heed counts the processors itself (-j), so mpirun should not: it would count cores of this machine.
  // Without HWLOC_HIDE_ERRORS, each process says that a container does not show its processors (/sys), which
  // Open MPI does not need here.
  std::vector<std::string> words = {"/usr/bin/env",           "HWLOC_HIDE_ERRORS=2", program,     "-n",
                                    fmt::format("{}", ranks), "--oversubscribe",     "--bind-to", "none"};
  if (geteuid() == 0) words.emplace_back("--allow-run-as-root");
  const std::vector<std::pair<std::string, std::string>> parameters = {
      {"orte_tmpdir_base", scratch.string()},
      {"btl_vader_backing_directory", scratch.string()},
      {"mpi_yield_when_idle", "1"},
      {"odls_base_sigkill_timeout", "0"},  // when one rank has ended, nothing of the others is needed
  };
  for (const auto& [name, value] : parameters) words.insert(words.end(), {"--mca", name, value});
  return words;
}

}  // namespace heed
