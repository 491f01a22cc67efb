// gnuplot as a process of its own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/system/process.h"

namespace heed::report {

// On PATH; empty where it is not.
std::filesystem::path find_gnuplot();

// Commands, and the files that they make: .svg, .pdf or .png.
struct Plots {
  std::string commands;
  std::vector<std::string> files;
};

// Runs them in a folder. Why not all files were drawn; empty where they were. gnuplot may end well although
// its disk is full, so each file is looked at, and one that is not whole is removed. Stopped where a signal
// asks for it; gnuplot has ended then.
std::string run_gnuplot(const std::filesystem::path& gnuplot, const std::filesystem::path& folder,
                        const Plots& plots, const Signals& signals);

// A text as gnuplot takes it, in quotes. With `noenhanced` text it means itself, letter for letter.
std::string quoted(const std::string& text);

// "plot a, b": the elements of one panel.
std::string plot(const std::vector<std::string>& elements);

}  // namespace heed::report
