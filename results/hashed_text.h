// Text files whose last line is a checksum of the lines above, so that a flipped bit or a lost line is
// detected.
#pragma once

#include <filesystem>
#include <string>

namespace heed::results {

// Replaces the file atomically (atomic_file.h). Requires: `text` ends with a newline. Throws: IoError.
void write_hashed_text(const std::filesystem::path& path, const std::string& text);

// Returns the text without the checksum. Throws: IoError, and DamagedFile if they do not match; its message
// ends with `remedy`.
std::string read_hashed_text(const std::filesystem::path& path, const std::string& remedy);

}  // namespace heed::results
