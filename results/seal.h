// The seal at the end of heed's HDF5 files: 8 bytes "heedseal" and the 64-bit xxHash of all bytes before
// them.
//
// HDF5's own checksums do not cover everything (contiguous data, heaps, B-trees), and HDF5 1.10 may crash on
// damaged bytes. With the seal every damage is seen before HDF5 reads anything. HDF5 itself ignores bytes
// behind its end of file, so every other program opens a sealed file as any other.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace heed::results {

void add_seal(std::vector<std::byte>& bytes);

// Takes the seal off. Throws DamagedFile if there is none (the file was cut, or another program wrote to it),
// or if it does not belong to these bytes.
void remove_seal(std::vector<std::byte>& bytes, const std::filesystem::path& path);

}  // namespace heed::results
