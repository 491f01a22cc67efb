#include "results/hashed_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <xxhash.h>

#include "results/atomic_file.h"
#include "results/errors.h"

namespace heed::results {
namespace {

constexpr std::string_view kMark = "# xxh64 ";

std::string hash_line(const std::string& text) {
  return fmt::format("{}{:016x}\n", kMark, static_cast<std::uint64_t>(XXH64(text.data(), text.size(), 0)));
}

}  // namespace

void write_hashed_text(const std::filesystem::path& path, const std::string& text) {
  const std::string whole = text + hash_line(text);
  write_file(path, std::as_bytes(std::span(whole)), IfExists::replace);
}

std::string read_hashed_text(const std::filesystem::path& path, const std::string& remedy) {
  const std::vector<std::byte> bytes = read_file(path);
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t end = std::min(text.size(), text.rfind(kMark));
  const std::string line = text.substr(end);
  text.resize(end);
  if (line != hash_line(text))
    throw DamagedFile(path, "its content does not match the checksum in its last line; " + remedy);
  return text;
}

}  // namespace heed::results
