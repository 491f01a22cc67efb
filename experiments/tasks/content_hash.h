#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace heed {

// Returns the hash of the bytes of some files, one after the other, as "xxh-0123456789abcdef": the prefix
// keeps a hash that has only digits from being read as a number. Returns an empty string if a file cannot be
// read.
std::string content_hash(const std::vector<std::filesystem::path>& files);

}  // namespace heed
