// A 64-bit sum over named values: the same whoever adds them, in whatever order. Taken of what was to be
// stored and of what was read, it tells whether they are the same to the bit.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace heed::results {

class ContentSum {
 public:
  // `place` tells values of one name apart: the rows of a variable.
  void add(std::string_view name, std::span<const std::byte> bytes, std::uint64_t place = 0);
  void add(std::string_view name, std::string_view text, std::uint64_t place = 0);
  void add(std::string_view name, std::integral auto number) {
    add(name, std::as_bytes(std::span(&number, 1)));
  }
  void add(std::string_view name, double number) { add(name, std::as_bytes(std::span(&number, 1))); }

  std::string hex() const;  // 16 digits
  bool operator==(const ContentSum&) const = default;

 private:
  std::uint64_t sum_ = 0;
};

}  // namespace heed::results
