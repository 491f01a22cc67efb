// Checksums (64-bit xxHash) of whole files, verified before anything of a file is used.
//
// A binary file (HDF5, checkpoint) ends with 56 bytes:
//   8  "heedseal"
//  32  a label, padded with spaces: for a trial "<id> <status>", so that thousands of trials can be counted
//      quickly
//   8  the checksum of everything before it
//   8  the checksum of the 48 bytes before it, so that a label can be trusted without reading the file
// HDF5's own checksums do not cover everything (contiguous data, heaps, B-trees), and HDF5 1.10 may crash on
// damaged bytes. Other programs ignore bytes after HDF5's end of file.
//
// A text file ends with the line "# xxh64 <16 digits>": the checksum of the lines above it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace heed::results {

inline constexpr std::size_t kLabelBytes = 32;

// Requires: the label has at most kLabelBytes and does not end with a space.
void add_checksum(std::vector<std::byte>& bytes, const std::string& label);

// Removes the checksum. Throws: DamagedFile if there is none (the file was cut, or another program wrote to
// it), or if it does not match these bytes.
void remove_checksum(std::vector<std::byte>& bytes, const std::filesystem::path& path);

// Reads only the label, from the file's end. Throws: IoError, and DamagedFile if the end is damaged.
std::string read_label(const std::filesystem::path& path);

// Writes a text and its checksum, and replaces the file atomically (atomic_file.h). Requires: `text` ends
// with a newline. Throws: IoError.
void write_checked_text(const std::filesystem::path& path, const std::string& text);

// Returns the text without the checksum. Throws: IoError, and DamagedFile if they do not match; its message
// ends with `remedy`.
std::string read_checked_text(const std::filesystem::path& path, const std::string& remedy);

}  // namespace heed::results
