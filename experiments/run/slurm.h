#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace heed {

constexpr std::size_t kMaxArraySize = 1001;  // Slurm's own default

// A sweep as one job array: element K of `parts` is `heed run --part K/parts`. Paths are absolute.
struct SlurmJob {
  std::string name;                 // of the sweep
  std::string command;              // as the user typed it
  std::filesystem::path program;    // heed itself
  std::filesystem::path folder;     // where it was submitted, which relative paths of the sweep start from
  std::filesystem::path directory;  // the run directory
  std::string plan;                 // its digest: jobs that start late refuse another one
  std::vector<std::string> run_options;  // more words for `heed run`
  std::size_t parts = 1;
  std::vector<std::size_t> elements;  // the parts with something to run, ascending
  std::size_t at_once = 0;            // elements that may run side by side; 0: as many as Slurm likes
  std::vector<std::string> options;   // the user's, for sbatch
};

// The batch script that every element runs.
std::string job_script(const SlurmJob& job);
std::filesystem::path job_script_path(const SlurmJob& job);

// The words of the two sbatch commands: the array, and the job that merges when all elements have ended,
// however.
std::vector<std::string> array_command(const SlurmJob& job);
std::vector<std::string> merge_command(const SlurmJob& job, const std::string& array_id);

// 0 1 2 5 as "0-2,5"
std::string ranges(const std::vector<std::size_t>& ascending);

// Words as a shell takes them.
std::string shell_text(const std::vector<std::string>& words);

// The value of MaxArraySize in what `scontrol show config` prints; kMaxArraySize where there is none.
std::size_t max_array_size(const std::string& config);

// Runs a program and returns its standard output; its standard error is ours. results::IoError where it
// cannot be started or ends otherwise than with 0.
std::string output_of(const std::vector<std::string>& words);

}  // namespace heed
