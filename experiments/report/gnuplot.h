// gnuplot as a process of its own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/system/process.h"

namespace heed::report {

// gnuplot commands and the files that they write: .svg, .pdf or .png.
struct Plots {
  std::string commands;
  std::vector<std::string> files;
};

// Runs the commands in a folder. Returns why files are missing, or an empty string. gnuplot exits with 0
// even if its disk is full, so each file is checked, and an incomplete one is removed. Throws: Stopped if a
// signal asks to stop; gnuplot has ended then.
std::string run_gnuplot(const std::filesystem::path& gnuplot, const std::filesystem::path& folder,
                        const Plots& plots, const Signals& signals);

// Returns a string in gnuplot's quotes. With `noenhanced` every character is literal.
std::string quoted(const std::string& text);

// Returns "plot a, b" for the elements of one panel.
std::string plot(const std::vector<std::string>& elements);

}  // namespace heed::report
