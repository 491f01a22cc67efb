#include "results/seal.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>

#include <xxhash.h>

#include "results/atomic_file.h"
#include "results/errors.h"

namespace heed::results {

namespace {

constexpr char kMagic[] = {'h', 'e', 'e', 'd', 's', 'e', 'a', 'l'};
constexpr std::size_t kHashBytes = 8;
constexpr std::size_t kSealBytes = sizeof(kMagic) + kLabelBytes + 2 * kHashBytes;

void append(std::vector<std::byte>& bytes, const void* from, std::size_t size) {
  const auto* begin = static_cast<const std::byte*>(from);
  bytes.insert(bytes.end(), begin, begin + size);
}

XXH64_canonical_t hash(std::span<const std::byte> bytes) {
  XXH64_canonical_t canonical;  // big-endian: the same on every machine
  XXH64_canonicalFromHash(&canonical, XXH64(bytes.data(), bytes.size(), 0));
  return canonical;
}

// Whether the last 8 bytes are the hash of the bytes from `begin` up to them.
bool ends_in_its_hash(std::span<const std::byte> bytes) {
  const auto expected = hash(bytes.first(bytes.size() - kHashBytes));
  return std::memcmp(bytes.last(kHashBytes).data(), expected.digest, kHashBytes) == 0;
}

// Throws unless the bytes end in a whole seal, which may be of other bytes.
std::span<const std::byte> find_seal(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  if (bytes.size() < kSealBytes || std::memcmp(bytes.last(kSealBytes).data(), kMagic, sizeof(kMagic)) != 0)
    throw DamagedFile(path, "the seal at its end is missing: it was cut, or another program wrote to it.");
  if (!ends_in_its_hash(bytes.last(kSealBytes))) throw DamagedFile(path, "the seal at its end is damaged.");
  return bytes.last(kSealBytes);
}

}  // namespace

void add_seal(std::vector<std::byte>& bytes, const std::string& label) {
  if (label.size() > kLabelBytes) throw std::logic_error("the label '" + label + "' is too long");
  const std::string padded = label + std::string(kLabelBytes - label.size(), ' ');
  append(bytes, kMagic, sizeof(kMagic));
  append(bytes, padded.data(), padded.size());
  append(bytes, hash(bytes).digest, kHashBytes);
  append(bytes, hash(std::span(bytes).last(kSealBytes - kHashBytes)).digest, kHashBytes);
}

void remove_seal(std::vector<std::byte>& bytes, const std::filesystem::path& path) {
  find_seal(bytes, path);
  if (!ends_in_its_hash(std::span(bytes).first(bytes.size() - kHashBytes)))
    throw DamagedFile(path, "its content does not match the seal at its end.");
  bytes.erase(bytes.end() - static_cast<std::ptrdiff_t>(kSealBytes), bytes.end());
}

std::string read_label(const std::filesystem::path& path) {
  const std::vector<std::byte> end = read_end(path, kSealBytes);
  const auto seal = find_seal(end, path);
  const std::string label(reinterpret_cast<const char*>(seal.data()) + sizeof(kMagic), kLabelBytes);
  return label.substr(0, label.find_last_not_of(' ') + 1);
}

}  // namespace heed::results
