// Do two files tell the same? What a repetition of a sweep must reproduce to the bit is everything but what
// is marked as varying between runs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace heed::results {

// The names of all variables (those in groups as "attention/weights") and root attributes ("/build") that are
// in one file alone or differ in type, dimensions or any bit; but for those that vary between runs: variables
// marked so, and the root's host, command and created. Takes trial files and merged files. Empty: the files
// tell the same. Throws IoError, DamagedFile.
std::vector<std::string> compare_results(const std::filesystem::path& a, const std::filesystem::path& b);

// 16 hex digits: a hash of every variable that does not vary between runs, by name, type, shape and bits, but
// for the build stamps. A table is quoted with it; who repeats the sweep and gets the same digest has the
// same numbers, curves and arrays. Throws IoError, DamagedFile.
std::string content_digest(const std::filesystem::path& path);

}  // namespace heed::results
