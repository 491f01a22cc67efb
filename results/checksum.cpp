#include "results/checksum.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>
#include <xxhash.h>

#include "results/atomic_file.h"
#include "results/errors.h"

namespace heed::results {

namespace {

constexpr std::string_view kMagic = "heedseal";
constexpr std::size_t kHashBytes = 8;
constexpr std::size_t kEndBytes = kMagic.size() + kLabelBytes + 2 * kHashBytes;
constexpr std::string_view kTextMark = "# xxh64 ";

// Returns 8 bytes, big-endian: the same on every machine.
std::string hash(std::span<const std::byte> bytes) {
  XXH64_canonical_t canonical;
  XXH64_canonicalFromHash(&canonical, XXH64(bytes.data(), bytes.size(), 0));
  return {reinterpret_cast<const char*>(canonical.digest), kHashBytes};
}

void append(std::vector<std::byte>& bytes, const std::string& text) {
  const auto more = std::as_bytes(std::span(text));
  bytes.insert(bytes.end(), more.begin(), more.end());
}

// Returns true if the last 8 bytes are the hash of the bytes before them.
bool ends_in_its_hash(std::span<const std::byte> bytes) {
  const std::string expected = hash(bytes.first(bytes.size() - kHashBytes));
  return std::memcmp(bytes.last(kHashBytes).data(), expected.data(), kHashBytes) == 0;
}

// Returns the label. Throws unless the bytes end as checksum.h describes, with a checksum of any bytes.
std::string label_at_end(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  if (bytes.size() < kEndBytes ||
      std::memcmp(bytes.last(kEndBytes).data(), kMagic.data(), kMagic.size()) != 0)
    throw DamagedFile(path,
                      "the checksum at its end is missing: it is no file of results, was cut, or another "
                      "program wrote to it.");
  const auto end = bytes.last(kEndBytes);
  if (!ends_in_its_hash(end)) throw DamagedFile(path, "the checksum at its end is damaged.");
  const std::string label(reinterpret_cast<const char*>(end.data()) + kMagic.size(), kLabelBytes);
  return label.substr(0, label.find_last_not_of(' ') + 1);
}

std::string hash_line(const std::string& text) {
  return fmt::format("{}{:016x}\n", kTextMark,
                     static_cast<std::uint64_t>(XXH64(text.data(), text.size(), 0)));
}

}  // namespace

void add_checksum(std::vector<std::byte>& bytes, const std::string& label) {
  if (label.size() > kLabelBytes) throw std::logic_error("the label '" + label + "' is too long");
  append(bytes, fmt::format("{}{:{}}", kMagic, label, kLabelBytes));
  append(bytes, hash(bytes));
  append(bytes, hash(std::span(bytes).last(kEndBytes - kHashBytes)));
}

void remove_checksum(std::vector<std::byte>& bytes, const std::filesystem::path& path) {
  label_at_end(bytes, path);
  if (!ends_in_its_hash(std::span(bytes).first(bytes.size() - kHashBytes)))
    throw DamagedFile(path, "its content does not match the checksum at its end.");
  bytes.erase(bytes.end() - kEndBytes, bytes.end());
}

std::string read_label(const std::filesystem::path& path) {
  return label_at_end(read_end(path, kEndBytes), path);
}

void write_checked_text(const std::filesystem::path& path, const std::string& text) {
  write_text(path, text + hash_line(text));
}

std::string read_checked_text(const std::filesystem::path& path, const std::string& remedy) {
  std::string text = read_text(path);
  const std::size_t end = std::min(text.size(), text.rfind(kTextMark));
  const std::string line = text.substr(end);
  text.resize(end);
  if (line != hash_line(text))
    throw DamagedFile(path, "its content does not match the checksum in its last line; " + remedy);
  return text;
}

}  // namespace heed::results
