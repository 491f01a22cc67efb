#include "results/seal.h"

#include "results/atomic_file.h"
#include "results/errors.h"
#include "tests/catch.h"
#include "tests/results/temp_folder.h"

using namespace heed::results;
using heed::test::TempFolder;
using Bytes = std::vector<std::byte>;

TEST_CASE("seal: removing it restores the bytes") {
  for (const std::size_t size : {0, 1, 55, 1000}) {
    const Bytes before(size, std::byte{7});
    Bytes bytes = before;
    add_seal(bytes, "label");
    remove_seal(bytes, "x");
    CHECK(bytes == before);
  }
}

TEST_CASE("seal: the label is read from the file's end") {
  const TempFolder folder;
  for (const std::string& label : {std::string(), std::string("a b"), std::string(kLabelBytes, 'x')}) {
    Bytes bytes(5000);
    add_seal(bytes, label);
    write_file(folder / "file", bytes, IfExists::replace);
    CHECK(read_label(folder / "file") == label);
  }
}

TEST_CASE("seal: the checksum covers every bit") {
  const TempFolder folder;
  Bytes bytes(100, std::byte{1});
  add_seal(bytes, "label");
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes damaged = bytes;
    damaged[bit / 8] ^= std::byte(1U << bit % 8);
    INFO("bit " << bit);
    CHECK_THROWS_AS(remove_seal(damaged, "x"), DamagedFile);
  }
}

TEST_CASE("seal: the label of a damaged checksum is refused") {
  const TempFolder folder;
  Bytes bytes(100);
  add_seal(bytes, "done");
  bytes[bytes.size() - 40] = std::byte{'x'};  // in the label
  write_file(folder / "file", bytes, IfExists::keep);
  CHECK_THROWS_AS(read_label(folder / "file"), DamagedFile);
  write_file(folder / "short", Bytes(3), IfExists::keep);
  CHECK_THROWS_AS(read_label(folder / "short"), DamagedFile);
}
