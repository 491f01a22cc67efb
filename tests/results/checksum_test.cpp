#include "results/checksum.h"

#include <fstream>

#include "results/atomic_file.h"
#include "results/errors.h"
#include "tests/catch.h"
#include "tests/results/temp_folder.h"

using namespace heed::results;
using heed::test::TempFolder;
using Bytes = std::vector<std::byte>;

TEST_CASE("checksum: removing it restores the bytes") {
  for (const std::size_t size : {0, 1, 55, 1000}) {
    const Bytes before(size, std::byte{7});
    Bytes bytes = before;
    add_checksum(bytes, "label");
    remove_checksum(bytes, "x");
    CHECK(bytes == before);
  }
}

TEST_CASE("checksum: the label is read from the file's end") {
  const TempFolder folder;
  for (const std::string& label : {std::string(), std::string("a b"), std::string(kLabelBytes, 'x')}) {
    Bytes bytes(5000);
    add_checksum(bytes, label);
    write_file(folder / "file", bytes, IfExists::replace);
    CHECK(read_label(folder / "file") == label);
  }
}

TEST_CASE("checksum: it covers every bit") {
  const TempFolder folder;
  Bytes bytes(100, std::byte{1});
  add_checksum(bytes, "label");
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes damaged = bytes;
    damaged[bit / 8] ^= std::byte(1U << bit % 8);
    INFO("bit " << bit);
    CHECK_THROWS_AS(remove_checksum(damaged, "x"), DamagedFile);
  }
}

TEST_CASE("checksum: the label of a damaged checksum is refused") {
  const TempFolder folder;
  Bytes bytes(100);
  add_checksum(bytes, "done");
  bytes[bytes.size() - 40] = std::byte{'x'};  // in the label
  write_file(folder / "file", bytes, IfExists::keep);
  CHECK_THROWS_AS(read_label(folder / "file"), DamagedFile);
  write_file(folder / "short", Bytes(3), IfExists::keep);
  CHECK_THROWS_AS(read_label(folder / "short"), DamagedFile);
}

TEST_CASE("checksum: a text is read back, and each changed bit or lost line is refused") {
  const TempFolder folder;
  const std::string text = "# heed\n1\ta\n2\tb\n";
  write_checked_text(folder / "text", text);
  CHECK(read_checked_text(folder / "text", "") == text);
  const Bytes whole = read_file(folder / "text");
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    Bytes damaged = whole;
    damaged[bit / 8] ^= std::byte(1U << bit % 8);
    std::ofstream(folder / "text", std::ios::binary)
        .write(reinterpret_cast<const char*>(damaged.data()), std::ssize(damaged));
    INFO("bit " << bit);
    CHECK_THROWS_AS(read_checked_text(folder / "text", ""), DamagedFile);
  }
  write_file(folder / "text", std::span(whole).subspan(7), IfExists::replace);
  CHECK_THROWS_AS(read_checked_text(folder / "text", ""), DamagedFile);
}
