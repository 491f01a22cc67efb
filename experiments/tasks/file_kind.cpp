#include "experiments/tasks/file_kind.h"

#include <fmt/format.h>

namespace heed {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kArray =
    "the task 'file' reads arrays of tokens and labels from NumPy's .npz and from HDF5 (docs/tasks.md)";
constexpr std::string_view kPacked = "unpack it first";
constexpr std::string_view kMedium = "export its text first";
constexpr std::string_view kImage = "the task 'images' reads images in IDX format";

struct Kind {
  std::string_view begins, name, remedy;
  std::size_t at = 0;  // where the mark is
};

constexpr Kind kKinds[] = {
    {"\x93NUMPY"sv, "a NumPy array", kArray},
    {"\x89HDF\r\n\x1a\n"sv, "an HDF5 file", kArray},
    {"CDF\x01"sv, "a netCDF file", kArray},
    {"CDF\x02"sv, "a netCDF file", kArray},
    {"PAR1"sv, "a Parquet file", kArray},
    {"ARROW1"sv, "an Arrow file", kArray},
    {"MATLAB 5.0 MAT-file"sv, "a MATLAB file", kArray},
    {"SQLite format 3\0"sv, "an SQLite database", kArray},
    {"PK\x03\x04"sv, "a zip archive (.zip, .pt, .docx)", kPacked},
    {"\x1f\x8b"sv, "a gzip file", kPacked},
    {"BZh"sv, "a bzip2 file", kPacked},
    {"\xfd"
     "7zXZ\0"sv,
     "an xz file", kPacked},
    {"\x28\xb5\x2f\xfd"sv, "a zstd file", kPacked},
    {"7z\xbc\xaf\x27\x1c"sv, "a 7z archive", kPacked},
    {"ustar"sv, "a tar archive", kPacked, 257},
    {"%PDF-"sv, "a PDF", kMedium},
    {"\x89PNG\r\n\x1a\n"sv, "a PNG image", kImage},
    {"\xff\xd8\xff"sv, "a JPEG image", kImage},
    {"GIF8"sv, "a GIF image", kImage},
    {"RIFF"sv, "a RIFF file (.wav, .webp)", kImage},
    {"\xff\xfe"sv, "a text in UTF-16", "convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)"},
    {"\xfe\xff"sv, "a text in UTF-16", "convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)"},
};

// A zip archive whose first entry is an array. The entry's name is behind a header of 30 bytes, which has the
// length of the name at 26.
bool is_npz(std::string_view head) {
  constexpr std::size_t kLength = 26, kName = 30;
  if (!head.starts_with("PK\x03\x04"sv) || head.size() < kName) return false;
  const std::size_t length = static_cast<unsigned char>(head[kLength]) +
                             std::size_t{256} * static_cast<unsigned char>(head[kLength + 1]);
  return head.substr(kName, length).ends_with(".npy");
}

}  // namespace

std::string not_a_text(std::string_view head) {
  if (is_npz(head)) return fmt::format("it is an archive of NumPy arrays (.npz); {}", kArray);
  // Almost every binary format has a zero byte near its start, and no text has one. Marks of formats without
  // one are those of packed data, which are tried first for a better message.
  for (const Kind& k : kKinds)
    if (head.size() >= k.at && head.substr(k.at).starts_with(k.begins))
      return fmt::format("it is {}; {}", k.name, k.remedy);
  const std::size_t zero = head.find('\0');
  if (zero == std::string_view::npos) return "";
  return fmt::format("it is a binary file (byte {} is 0); {}", zero, kArray);
}

}  // namespace heed
