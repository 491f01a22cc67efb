#include <fmt/format.h>
#include <zip.h>

#include <array>
#include <cstring>
#include <string_view>

#include "core/error.h"
#include "experiments/tasks/token_arrays.h"

namespace heed {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMagic = "\x93NUMPY"sv;
constexpr std::size_t kPrefix = 8;  // the magic bytes and the version

struct CloseArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }  // nothing was changed
};
struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};

// The header of a .npy file: "{'descr': '<i8', 'fortran_order': False, 'shape': (3, 4), }".
struct Header {
  std::string type;  // "<i8"
  bool column_major = false;
  std::vector<std::size_t> shape;
  std::size_t end = 0;  // where the numbers begin
};

// Returns the text after 'key': in a header; empty if the header lacks the key.
std::string_view after_key(std::string_view header, std::string_view key) {
  const std::size_t at = header.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos) return {};
  header.remove_prefix(at + key.size() + 3);
  header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
  return header;
}

// Returns the numbers of a tuple, "(3, 4)" or "(3,)"; nullopt if it is none.
std::optional<std::vector<std::size_t>> read_shape(std::string_view text) {
  if (!text.starts_with('(') || text.find(')') == std::string_view::npos) return std::nullopt;
  std::vector<std::size_t> out;
  bool in_number = false;
  for (const char c : text.substr(1, text.find(')') - 1)) {
    if (c >= '0' && c <= '9') {
      if (!in_number) out.push_back(0);
      if (out.back() > (std::size_t{1} << 40)) return std::nullopt;
      out.back() = 10 * out.back() + static_cast<std::size_t>(c - '0');
    } else if (c != ' ' && c != ',') {
      return std::nullopt;
    }
    in_number = c >= '0' && c <= '9';
  }
  return out;
}

std::optional<Header> read_header(std::string_view npy) {
  if (!npy.starts_with(kMagic) || npy.size() < kPrefix + 4) return std::nullopt;
  const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(npy[kPrefix + i])}; };
  const std::size_t field = npy[kMagic.size()] == 1 ? 2 : 4;  // version 1 has a length of 16 bits
  std::size_t length = byte(0) | byte(1) << 8;
  if (field == 4) length |= byte(2) << 16 | byte(3) << 24;
  Header out;
  out.end = kPrefix + field + length;
  if (npy.size() < out.end) return std::nullopt;
  const std::string_view header = npy.substr(kPrefix + field, length);
  const std::string_view type = after_key(header, "descr"), order = after_key(header, "fortran_order");
  std::optional<std::vector<std::size_t>> shape = read_shape(after_key(header, "shape"));
  if (type.empty() || order.empty() || !shape) return std::nullopt;
  out.type = type.starts_with('\'') ? type.substr(1, type.find('\'', 1) - 1) : type.substr(0, 1);
  out.column_major = order.starts_with("True");
  out.shape = std::move(*shape);
  return out;
}

// How an integer is stored.
struct Stored {
  std::size_t bytes = 0;
  bool is_signed = true, big_endian = false;
};

// Reads a NumPy type like "<i8", "|u1" or ">i4"; nullopt for everything that is no integer.
std::optional<Stored> integer_type(std::string_view type) {
  constexpr std::string_view kOrders = "<>|=", kSigns = "iu", kSizes = "1248";
  if (type.size() != 3 || kOrders.find(type[0]) == kOrders.npos || kSigns.find(type[1]) == kSigns.npos ||
      kSizes.find(type[2]) == kSizes.npos)
    return std::nullopt;
  return Stored{static_cast<std::size_t>(type[2] - '0'), type[1] == 'i', type[0] == '>'};
}

std::int64_t integer_at(const Stored& stored, const char* at) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < stored.bytes; ++i) {
    const std::size_t shift = 8 * (stored.big_endian ? stored.bytes - 1 - i : i);
    bits |= std::uint64_t{static_cast<unsigned char>(at[i])} << shift;
  }
  const std::size_t unused = 64 - 8 * stored.bytes;  // moves the sign bit up and down again
  return stored.is_signed ? static_cast<std::int64_t>(bits << unused) >> unused
                          : static_cast<std::int64_t>(bits);
}

// The place in C order of number i of a column-major array.
std::size_t c_order(std::size_t i, const std::vector<std::size_t>& shape) {
  std::size_t at = 0, stride = 1;
  for (const std::size_t n : shape) stride *= n;
  for (const std::size_t n : shape) {
    stride /= n;
    at += i % n * stride;
    i /= n;
  }
  return at;
}

class Npz final : public ArrayFile {
 public:
  explicit Npz(const std::filesystem::path& path) : path_(path.string()) {
    int code = 0;
    archive_.reset(zip_open(path_.c_str(), ZIP_RDONLY, &code));
    if (archive_) return;
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw Error(
        fmt::format("'{}' is no archive of NumPy (.npz), or it is damaged or incomplete ({}). Write it with "
                    "numpy.savez.",
                    path_, why));
  }

  bool has(const std::string& name) const override {
    return zip_name_locate(archive_.get(), (name + ".npy").c_str(), 0) >= 0;
  }

  std::vector<std::string> names() const override {
    std::vector<std::string> out;
    for (zip_int64_t i = 0; i < zip_get_num_entries(archive_.get(), 0); ++i) {
      const char* entry = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(i), 0);
      if (const std::string name = entry ? entry : ""; name.ends_with(".npy"))
        out.push_back(name.substr(0, name.size() - 4));
    }
    return out;
  }

  IntegerArray read(const std::string& name) const override {
    const std::string npy = bytes(name);
    const std::optional<Header> header = read_header(npy);
    if (!header) refuse(name, "it is no array of NumPy");
    const std::optional<Stored> stored = integer_type(header->type);
    if (!stored)
      refuse(name, fmt::format("its type is '{}', which is no integer; convert it: x.astype('int32')",
                               header->type));
    std::size_t count = 1;
    for (const std::size_t n : header->shape) count *= n;
    if ((npy.size() - header->end) / stored->bytes != count ||
        (npy.size() - header->end) % stored->bytes != 0)
      refuse(name, fmt::format("its shape needs {} numbers, but it has {} bytes of them", count,
                               npy.size() - header->end));
    IntegerArray out{header->shape, std::vector<std::int64_t>(count)};
    for (std::size_t i = 0; i < count; ++i)
      out.values[header->column_major ? c_order(i, out.shape) : i] =
          integer_at(*stored, npy.data() + header->end + i * stored->bytes);
    return out;
  }

  std::optional<std::int64_t> number(const std::string&, const std::string&) const override {
    return std::nullopt;
  }
  std::string text(const std::string&) const override { return ""; }

 private:
  [[noreturn]] void refuse(const std::string& name, const std::string& why) const {
    throw Error(fmt::format("'{}': the array '{}' cannot be read: {}.", path_, name, why));
  }

  // The unpacked entry of an array. A wrong checksum is an error of the last read.
  std::string bytes(const std::string& name) const {
    const std::string entry_name = name + ".npy";
    zip_stat_t stat;
    if (zip_stat(archive_.get(), entry_name.c_str(), 0, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0)
      refuse(name, "the archive has no such entry");
    const std::unique_ptr<zip_file_t, CloseEntry> entry(zip_fopen(archive_.get(), entry_name.c_str(), 0));
    if (!entry) refuse(name, zip_strerror(archive_.get()));
    std::string out;
    std::array<char, 1 << 16> part{};
    for (zip_int64_t n; (n = zip_fread(entry.get(), part.data(), part.size())) != 0;) {
      if (n < 0) refuse(name, fmt::format("the archive is damaged ({})", zip_file_strerror(entry.get())));
      out.append(part.data(), static_cast<std::size_t>(n));
    }
    if (out.size() != stat.size) refuse(name, "the archive is damaged (an entry is cut off)");
    return out;
  }

  std::string path_;
  std::unique_ptr<zip_t, CloseArchive> archive_;
};

}  // namespace

std::unique_ptr<ArrayFile> open_npz(const std::filesystem::path& path) { return std::make_unique<Npz>(path); }

}  // namespace heed
