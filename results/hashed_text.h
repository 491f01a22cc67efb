// Text files that end in a hash of what stands above it: a flipped bit or a lost line is noticed.
#pragma once

#include <filesystem>
#include <string>

namespace heed::results {

// Replaces the file in one step (atomic_file.h). `text` ends with a line. IoError
void write_hashed_text(const std::filesystem::path& path, const std::string& text);

// The text without the hash. DamagedFile where they do not match; its message ends with `remedy`. IoError
std::string read_hashed_text(const std::filesystem::path& path, const std::string& remedy);

}  // namespace heed::results
