#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace heed {

constexpr std::size_t kMaxArraySize = 1001;  // Slurm's own default

// A sweep as one job array: element K of `parts` is `heed run --part K/parts`. Paths are absolute.
struct SlurmJob {
  std::string name;                      // of the sweep
  std::string command;                   // as the user typed it
  std::vector<std::string> program;      // the words that start heed
  std::filesystem::path folder;          // the working directory of the submission; base of relative paths
  std::filesystem::path directory;       // the run directory
  std::string plan;                      // its digest: a job refuses to run another plan
  std::vector<std::string> run_options;  // more arguments for `heed run`
  std::size_t parts = 1;
  std::vector<std::size_t> elements;  // the parts with something to run, ascending
  std::size_t at_once = 0;            // elements that may run at the same time; 0: no limit
  std::vector<std::string> options;   // the user's, for sbatch
  std::size_t ranks = 1;              // tasks of an element: processes that train one trial together
};

// Returns the batch script that every element runs.
std::string job_script(const SlurmJob& job);
std::filesystem::path job_script_path(const SlurmJob& job);

// Return the two sbatch commands: the array, and the job that merges after all elements have ended, with or
// without success.
std::vector<std::string> array_command(const SlurmJob& job);
std::vector<std::string> merge_command(const SlurmJob& job, const std::string& array_id);

// Returns numbers as Slurm's ranges: 0 1 2 5 as "0-2,5".
std::string ranges(const std::vector<std::size_t>& ascending);

// Returns a command with its words quoted for a shell.
std::string shell_text(const std::vector<std::string>& words);

// Returns MaxArraySize from the output of `scontrol show config`, or kMaxArraySize if it has none.
std::size_t max_array_size(const std::string& config);

// Runs a program and returns its standard output. It shares our standard error. Throws: results::IoError if
// it cannot be started or its exit code is not 0.
std::string output_of(const std::vector<std::string>& words);

}  // namespace heed
