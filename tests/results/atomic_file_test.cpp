#include "results/atomic_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "results/errors.h"
#include "tests/catch.h"
#include "tests/results/temp_folder.h"

using namespace heed::results;
using heed::test::TempFolder;

namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

std::size_t entries(const TempFolder& folder) {
  const std::filesystem::directory_iterator all(folder.path());
  return std::size_t(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("what is written is read back, whatever its length") {
  const TempFolder folder;
  for (const std::size_t length : {0, 1, 4095, 4097, 3 * 1024 * 1024}) {
    const auto bytes = bytes_of(std::string(length, 'x'));
    CHECK(write_file(folder / "file", bytes, IfExists::replace));
    CHECK(read_file(folder / "file") == bytes);
  }
  CHECK(entries(folder) == 1);
}

TEST_CASE("an existing file is kept, and nothing is left beside it") {
  const TempFolder folder;
  CHECK(write_file(folder / "file", bytes_of("first"), IfExists::keep));
  CHECK_FALSE(write_file(folder / "file", bytes_of("second"), IfExists::keep));
  CHECK(read_file(folder / "file") == bytes_of("first"));
  CHECK(entries(folder) == 1);
}

TEST_CASE("the leftover of a killed process with our number is not in the way") {
  const TempFolder folder;
  std::array<char, 256> host{};
  REQUIRE(::gethostname(host.data(), host.size() - 1) == 0);
  const std::string leftover = std::string("file.tmp.") + host.data() + "." + std::to_string(::getpid());
  REQUIRE(write_file(folder / leftover, bytes_of("torn"), IfExists::keep));
  CHECK(write_file(folder / "file", bytes_of("whole"), IfExists::keep));
  CHECK(read_file(folder / "file") == bytes_of("whole"));
  CHECK(read_file(folder / leftover) == bytes_of("torn"));
}

TEST_CASE("an error names the path and the reason") {
  const TempFolder folder;
  const auto path = folder / "no/such/file";
  CHECK_THROWS_WITH(write_file(path, bytes_of("x"), IfExists::keep),
                    ContainsSubstring(path.string()) && ContainsSubstring("No such file"));
  CHECK_THROWS_WITH(read_file(path), ContainsSubstring(path.string()) && ContainsSubstring("No such file"));
  CHECK_THROWS_AS(read_file(folder.path()), IoError);
}

TEST_CASE("a write that runs out of room leaves nothing behind") {
  const TempFolder folder;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);  // so that write() answers EFBIG
  const rlimit small{100'000, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  CHECK_THROWS_WITH(write_file(folder / "file", bytes_of(std::string(200'000, 'x')), IfExists::keep),
                    ContainsSubstring("cannot write") && ContainsSubstring("too large"));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(entries(folder) == 0);
}
