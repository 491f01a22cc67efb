// The programs that start ranks: mpirun of Open MPI, and under Slurm srun.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace heed {

// Returns the path of the program that starts ranks: srun in a job of Slurm, otherwise mpirun. Empty if it is
// not on PATH.
std::filesystem::path launcher_program();

// Returns a folder in memory for what mpirun writes, where this machine has one; otherwise an empty path.
std::filesystem::path memory_folder();

// Returns the command line, without the ranks' own program, that starts `ranks` processes of `threads`
// threads each. mpirun keeps its files in `scratch`.
std::vector<std::string> launch_words(int ranks, int threads, const std::filesystem::path& scratch);

}  // namespace heed
