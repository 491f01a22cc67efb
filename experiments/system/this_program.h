// This program's own executable, and how to start it again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace heed {

// Returns the words of this process's command line, as the system shows them.
std::vector<std::string> command_line();

// Returns the executable of this program.
std::filesystem::path this_program();

// Returns the words that start this program again: its executable. If it was started through the dynamic
// loader (`ld-linux-x86-64.so.2 --glibc-hwcaps-mask x86-64-v3 heed run sweep.yaml`), the loader and its
// options are before it, so that a process started with these words uses the same libraries.
std::vector<std::string> this_program_words();

// What spawn and run_apart execute to start this program again, even if its file has been replaced.
inline constexpr const char* kThisProgram = "/proc/self/exe";

// Returns the arguments, the name first, with which kThisProgram runs this program on `arguments`.
std::vector<std::string> this_program_with(const std::vector<std::string>& arguments);

}  // namespace heed
