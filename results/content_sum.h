// A 64-bit checksum over named values, independent of the order in which they are added. Comparing the sum
// of the data to be stored with that of the data read back shows whether they are bitwise equal.
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
  // `place` distinguishes values of one name: the rows of a variable.
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
