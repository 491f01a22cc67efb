#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heed::cli {

// A gray picture: 0 is black, 255 is white.
struct GrayPicture {
  std::size_t width, height;
  std::vector<std::uint8_t> pixels;  // (height, width)
};

// Returns the picture as the bytes of a PNG file. Throws: heed::Error if libpng refuses it.
std::vector<std::byte> png_of(const GrayPicture& picture);

}  // namespace heed::cli
