#include "experiments/cli/png.h"

#include <png.h>

#include <fmt/format.h>

#include "core/error.h"

namespace heed::cli {

std::vector<std::byte> png_of(const GrayPicture& picture) {
  HEED_CHECK(picture.pixels.size() == picture.width * picture.height, "a picture has other sides");
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.format = PNG_FORMAT_GRAY;
  header.width = static_cast<png_uint_32>(picture.width);
  header.height = static_cast<png_uint_32>(picture.height);
  // libpng also packs the picture to find out how large the file is.
  std::vector<std::byte> bytes;
  png_alloc_size_t size = 0;
  const auto write = [&](void* to) {
    if (!png_image_write_to_memory(&header, to, &size, 0, picture.pixels.data(), 0, nullptr))
      throw Error(fmt::format("the picture cannot be written as PNG: {}.", header.message));
  };
  write(nullptr);
  bytes.resize(size);
  write(bytes.data());
  bytes.resize(size);
  return bytes;
}

}  // namespace heed::cli
