// The seal: the last 56 bytes of heed's HDF5 files.
//
//   8  "heedseal"
//  32  a label, padded with spaces: for a trial "<id> <status>", so that thousands of trials can be counted
//  quickly
//   8  the 64-bit xxHash of everything before it
//   8  the 64-bit xxHash of the seal's first 48 bytes, so that a label can be trusted without reading the
//   file
//
// HDF5's own checksums do not cover everything (contiguous data, heaps, B-trees), and HDF5 1.10 may crash on
// damaged bytes. With the seal every damage is seen before HDF5 reads anything. HDF5 itself ignores bytes
// behind its end of file, so every other program opens a sealed file as any other.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace heed::results {

inline constexpr std::size_t kLabelBytes = 32;

// REQUIRES: the label has at most kLabelBytes and does not end in a space.
void add_seal(std::vector<std::byte>& bytes, const std::string& label);

// Removes the seal. Throws: DamagedFile if there is none (the file was cut, or another program wrote to
// it), or if it does not match these bytes.
void remove_seal(std::vector<std::byte>& bytes, const std::filesystem::path& path);

// Reads only the label, from the file's end. Throws: IoError, and DamagedFile if the seal is incomplete.
std::string read_label(const std::filesystem::path& path);

}  // namespace heed::results
