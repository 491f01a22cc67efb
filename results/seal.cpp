#include "results/seal.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include <xxhash.h>

#include "results/errors.h"

namespace heed::results {

namespace {

constexpr std::size_t kSealBytes = 16;
using Seal = std::array<std::byte, kSealBytes>;

Seal seal_of(const std::byte* bytes, std::size_t size) {
  XXH64_canonical_t hash;  // big-endian: the same on every machine
  XXH64_canonicalFromHash(&hash, XXH64(bytes, size, 0));
  Seal seal;
  std::memcpy(seal.data(), "heedseal", 8);
  std::memcpy(seal.data() + 8, hash.digest, 8);
  return seal;
}

}  // namespace

void add_seal(std::vector<std::byte>& bytes) {
  const Seal seal = seal_of(bytes.data(), bytes.size());
  bytes.insert(bytes.end(), seal.begin(), seal.end());
}

void remove_seal(std::vector<std::byte>& bytes, const std::filesystem::path& path) {
  const std::size_t size = bytes.size() < kSealBytes ? 0 : bytes.size() - kSealBytes;
  if (size == 0 || std::memcmp(bytes.data() + size, "heedseal", 8) != 0)
    throw DamagedFile(path, "the seal at its end is missing: it was cut, or another program wrote to it");
  if (!std::equal(bytes.begin() + std::ptrdiff_t(size), bytes.end(), seal_of(bytes.data(), size).begin()))
    throw DamagedFile(path, "its content does not match the seal at its end");
  bytes.resize(size);
}

}  // namespace heed::results
