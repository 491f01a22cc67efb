// gnuplot as a process of its own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace heed::report {

// On PATH; empty where it is not.
std::filesystem::path find_gnuplot();

// Runs commands in a folder. What gnuplot said where it failed; empty where it did not.
std::string run_gnuplot(const std::filesystem::path& gnuplot, const std::filesystem::path& folder,
                        const std::string& commands);

// A text as gnuplot takes it, in quotes. With `noenhanced` text it means itself, letter for letter.
std::string quoted(const std::string& text);

// "plot a, b": the elements of one panel.
std::string plot(const std::vector<std::string>& elements);

}  // namespace heed::report
