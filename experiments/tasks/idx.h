#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace heed {

// Files in IDX format, the format of MNIST (LeCun, Cortes, Burges 1998): arrays of unsigned bytes,
// big-endian.
//     00 00 08 D, then D sizes of 4 bytes, then the numbers, the last dimension fastest
// A file may be compressed by gzip; its first bytes tell. Errors are heed::Error: a sentence that begins with
// the path.

struct IdxArray {
  std::vector<std::size_t> shape;
  std::vector<std::uint8_t> values;
};

// Returns the sizes that the header states. Requires: dimensions > 0. Throws: heed::Error if the file cannot
// be read, is not IDX, or is an array of another type or with another number of dimensions.
std::vector<std::size_t> read_idx_shape(const std::filesystem::path& path, std::size_t dimensions);

// Reads the array. Throws: as read_idx_shape, and if the file does not have as many numbers as its header
// states.
IdxArray read_idx(const std::filesystem::path& path, std::size_t dimensions);

}  // namespace heed
