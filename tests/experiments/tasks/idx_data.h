// Small folders of images in IDX format.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace heed::test {

// The bytes of a file: header and numbers.
inline std::string idx_bytes(const std::vector<std::size_t>& shape, const std::string& values) {
  std::string out{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const std::size_t size : shape)
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xFF);
  return out + values;
}

inline std::string gzipped(const std::string& bytes) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;  // the largest window, and gzip's header
  if (deflateInit2(&stream, 1, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib has no memory");
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Oblong images, so that swapped sides are seen. No two are equal.
struct SmallImages {
  std::size_t train = 12, test = 8, height = 4, width = 6, classes = 3;

  // Pixel (y, x) of image i; the test file's images come after those of the training file.
  static unsigned char pixel(std::size_t i, std::size_t y, std::size_t x) {
    return static_cast<unsigned char>(y == 0 && x == 0 ? i : (37 * i + 71 * y + 13 * x * x) % 256);
  }
  unsigned char label(std::size_t i) const { return static_cast<unsigned char>((i + i / 5) % classes); }

  std::string images(std::size_t first, std::size_t count) const {
    std::string values;
    for (std::size_t i = first; i < first + count; ++i)
      for (std::size_t y = 0; y < height; ++y)
        for (std::size_t x = 0; x < width; ++x) values += static_cast<char>(pixel(i, y, x));
    return idx_bytes({count, height, width}, values);
  }
  std::string labels(std::size_t first, std::size_t count) const {
    std::string values;
    for (std::size_t i = first; i < first + count; ++i) values += static_cast<char>(label(i));
    return idx_bytes({count}, values);
  }

  void write(const std::filesystem::path& folder, bool packed = false) const {
    const auto put = [&](const std::string& name, const std::string& bytes) {
      write_bytes(folder / (name + (packed ? ".gz" : "")), packed ? gzipped(bytes) : bytes);
    };
    put("train-images-idx3-ubyte", images(0, train));
    put("train-labels-idx1-ubyte", labels(0, train));
    put("t10k-images-idx3-ubyte", images(train, test));
    put("t10k-labels-idx1-ubyte", labels(train, test));
  }
};

}  // namespace heed::test
