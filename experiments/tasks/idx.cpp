#include "experiments/tasks/idx.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "core/error.h"

namespace heed {
namespace {

constexpr std::uint8_t kUnsignedByte = 0x08;         // the type of the numbers
constexpr std::size_t kMost = std::size_t{1} << 32;  // numbers; catches damaged headers
constexpr std::size_t kPart = std::size_t{1} << 20;  // bytes that are read at once

struct CloseFile {
  void operator()(gzFile file) const { gzclose_r(file); }
};

// The bytes of a file, unpacked if it is compressed.
class ByteFile {
 public:
  explicit ByteFile(const std::filesystem::path& path) : path_(path.string()) {
    if (std::filesystem::is_directory(path)) refuse("is a folder, not a file in IDX format");
    if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path))
      refuse("is not a regular file");
    errno = 0;
    file_.reset(gzopen(path_.c_str(), "rb"));
    if (!file_) refuse(fmt::format("cannot be opened ({})", errno ? std::strerror(errno) : "no memory"));
    gzbuffer(file_.get(), 1 << 18);
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(fmt::format("'{}' {}.", path_, what));
  }

  // Reads up to n bytes; fewer at the end of the file. The checksum is compared with the last bytes.
  std::size_t read(std::uint8_t* to, std::size_t n) {
    std::size_t done = 0;
    while (done < n) {
      const int got = gzread(file_.get(), to + done, static_cast<unsigned>(std::min(n - done, kPart)));
      if (got < 0) refuse_damaged();
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    if (done < n) refuse_damaged();
    return done;
  }

 private:
  void refuse_damaged() const {
    int code = Z_OK;
    std::string why = gzerror(file_.get(), &code);
    if (code == Z_OK) return;
    if (code == Z_ERRNO) refuse(fmt::format("cannot be read ({})", std::strerror(errno)));
    if (code == Z_BUF_ERROR) refuse("is cut off: its gzip data end too early. Get the file again");
    if (why.starts_with(path_ + ": ")) why.erase(0, path_.size() + 2);
    refuse(fmt::format("is damaged: its gzip data cannot be unpacked ({}). Get the file again", why));
  }

  std::string path_;
  std::unique_ptr<gzFile_s, CloseFile> file_;
};

std::string as_hex(const std::uint8_t* bytes) {
  return fmt::format("{:02x} {:02x} {:02x} {:02x}", bytes[0], bytes[1], bytes[2], bytes[3]);
}

const char* kind_of(std::size_t dimensions) {
  return dimensions == 3 ? "images" : dimensions == 1 ? "labels" : "other numbers";
}

std::vector<std::size_t> read_header(ByteFile& file, std::size_t dimensions) {
  std::array<std::uint8_t, 4> word{};
  const std::size_t got = file.read(word.data(), 4);
  if (got == 0) file.refuse("is empty");
  if (got < 4) file.refuse("is cut off: it ends within its header");
  if (word[0] != 0 || word[1] != 0)
    file.refuse(fmt::format("is not in IDX format: it begins with {}, not with {:02x} {:02x} {:02x} {:02x}",
                            as_hex(word.data()), 0, 0, kUnsignedByte, dimensions));
  if (word[2] != kUnsignedByte)
    file.refuse(
        fmt::format("has numbers of the type {:#04x}, not unsigned bytes ({:#04x})", word[2], kUnsignedByte));
  if (word[3] != dimensions)
    file.refuse(fmt::format("is a file of {} (dimensions: {}), not of {} (dimensions: {})", kind_of(word[3]),
                            word[3], kind_of(dimensions), dimensions));
  std::vector<std::size_t> shape;
  std::size_t numbers = 1;
  for (std::size_t i = 0; i < dimensions; ++i) {
    if (file.read(word.data(), 4) < 4) file.refuse("is cut off: it ends within its header");
    const std::size_t size =
        std::size_t{word[0]} << 24 | std::size_t{word[1]} << 16 | std::size_t{word[2]} << 8 | word[3];
    if (size == 0) file.refuse("has no numbers: a size in its header is 0");
    if (size > kMost / numbers) file.refuse("has a damaged header: its sizes are too large");
    shape.push_back(size);
    numbers *= size;
  }
  return shape;
}

}  // namespace

std::vector<std::size_t> read_idx_shape(const std::filesystem::path& path, std::size_t dimensions) {
  ByteFile file(path);
  return read_header(file, dimensions);
}

// Memory grows with what the file has, not with what a damaged header states.
IdxArray read_idx(const std::filesystem::path& path, std::size_t dimensions) {
  ByteFile file(path);
  IdxArray out{read_header(file, dimensions), {}};
  std::size_t expected = 1;
  for (const std::size_t size : out.shape) expected *= size;
  while (out.values.size() < expected) {
    const std::size_t before = out.values.size(), n = std::min(kPart, expected - before);
    out.values.resize(before + n);
    if (const std::size_t got = file.read(out.values.data() + before, n); got < n)
      file.refuse(
          fmt::format("is cut off: its header states {} numbers, and it has {}", expected, before + got));
  }
  std::uint8_t more;
  if (file.read(&more, 1) > 0)
    file.refuse(fmt::format("has more numbers than the {} that its header states", expected));
  return out;
}

}  // namespace heed
