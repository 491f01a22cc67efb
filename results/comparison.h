// Compares two files of results. What a repetition of a sweep must reproduce to the bit is everything but
// what is marked as varying between runs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace heed::results {

// Returns the names of all variables (in groups: "attention/weights") and root attributes ("/build") that
// are only in one file or differ in type, dimensions or any bit, except those that vary between runs:
// variables marked so, and the root's host, command and created. Accepts trial files and merged files.
// Empty: the files are equal. Throws: IoError, DamagedFile.
std::vector<std::string> compare_results(const std::filesystem::path& a, const std::filesystem::path& b);

// 16 hex digits: a hash of every variable that does not vary between runs, by name, type, shape and bits, but
// for the build stamps. A table is quoted with it; who repeats the sweep and gets the same digest has the
// same numbers, curves and arrays. Throws IoError, DamagedFile.
std::string content_digest(const std::filesystem::path& path);

}  // namespace heed::results
