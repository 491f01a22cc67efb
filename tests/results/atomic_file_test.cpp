#include "results/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

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

std::string host() {
  std::array<char, 256> name{};
  REQUIRE(::gethostname(name.data(), name.size() - 1) == 0);
  return name.data();
}

std::string temporary_of(const std::filesystem::path& path, const std::string& host, pid_t process) {
  return path.string() + ".tmp." + host + '.' + std::to_string(process);
}

std::size_t entries(const TempFolder& folder) {
  const std::filesystem::directory_iterator all(folder.path());
  return std::size_t(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("atomic file: what is written is read back, whatever its length") {
  const TempFolder folder;
  for (const std::size_t length : {0, 1, 4095, 4097, 3 * 1024 * 1024}) {
    const auto bytes = bytes_of(std::string(length, 'x'));
    CHECK(write_file(folder / "file", bytes, IfExists::replace));
    CHECK(read_file(folder / "file") == bytes);
  }
  CHECK(entries(folder) == 1);
}

TEST_CASE("atomic file: an existing file is kept, and nothing is left beside it") {
  const TempFolder folder;
  CHECK(write_file(folder / "file", bytes_of("first"), IfExists::keep));
  CHECK_FALSE(write_file(folder / "file", bytes_of("second"), IfExists::keep));
  CHECK(read_file(folder / "file") == bytes_of("first"));
  CHECK(entries(folder) == 1);
}

TEST_CASE("atomic file: the leftover of a killed process with our number is not in the way") {
  const TempFolder folder;
  const std::string leftover = temporary_of(folder / "file", host(), ::getpid());
  REQUIRE(write_file(leftover, bytes_of("torn"), IfExists::keep));
  CHECK(write_file(folder / "file", bytes_of("whole"), IfExists::keep));
  CHECK(read_file(folder / "file") == bytes_of("whole"));
  CHECK(read_file(leftover) == bytes_of("torn"));
}

TEST_CASE("atomic file: what killed processes left is removed, what living ones write is not") {
  const TempFolder folder;
  const auto left = [&](const std::string& name) {
    std::ofstream(folder / name) << "torn";
    return folder / name;
  };
  const std::string here = ".tmp." + host() + '.';
  SECTION("of this host, even if another process now has its pid") {
    for (const std::string& name : {"a.h5" + here + "1", "a.h5" + here + "1.2", "b" + here + "99999999"})
      left(name);
    CHECK(remove_leftovers(folder.path()) == 3);
    CHECK(entries(folder) == 0);
  }
  SECTION("not while its process holds the lock") {
    const auto path = left("a.h5" + here + "1");
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    REQUIRE(::flock(fd, LOCK_EX) == 0);
    CHECK(remove_leftovers(folder.path()) == 0);
    ::close(fd);
    CHECK(remove_leftovers(folder.path()) == 1);
  }
  SECTION("of another host, once it is an hour old") {
    const auto path = left("a.h5.tmp.elsewhere.example.org.12");
    CHECK(remove_leftovers(folder.path()) == 0);
    std::filesystem::last_write_time(path,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
    CHECK(remove_leftovers(folder.path()) == 1);
  }
  SECTION("never what is no temporary file") {
    for (const char* name : {"a.h5", "a.tmp", "a.tmp.b", "a.tmp.host.x1", "a.tmp.12", "tmp.host.12"})
      left(name);
    std::filesystem::create_directory(folder / ("d" + here + "1"));
    std::filesystem::create_symlink(folder / "a.h5", folder / ("l" + here + "1"));
    CHECK(remove_leftovers(folder.path()) == 0);
    CHECK(entries(folder) == 8);
  }
  SECTION("and where there is no folder, there is nothing to remove") {
    CHECK(remove_leftovers(folder / "none") == 0);
  }
}

TEST_CASE("atomic file: a process that is killed while it writes leaves a file that the next one removes") {
  const TempFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {  // a file that can be no larger than this ends its writer
    std::signal(SIGXFSZ, SIG_DFL);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    write_file(folder / "file", bytes_of(std::string(5000, 'x')), IfExists::keep);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(entries(folder) == 1);
  CHECK(remove_leftovers(folder.path()) == 1);
  CHECK(entries(folder) == 0);
}

TEST_CASE("atomic file: leftovers are removed while others write, and every file arrives") {
  const TempFolder folder;
  std::atomic<bool> writing = true;
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        try {
          write_file(folder / std::to_string(i % 5), bytes_of(std::string(1000, char('a' + t))),
                     IfExists::replace);
        } catch (const IoError&) {
          ++failed;
        }
      }
    });
  std::thread cleaner([&] {
    while (writing) remove_leftovers(folder.path());
  });
  for (std::thread& thread : threads) thread.join();
  writing = false;
  cleaner.join();
  CHECK(failed == 0);
  CHECK(entries(folder) == 5);
}

TEST_CASE("atomic file: an error names the path and the reason") {
  const TempFolder folder;
  const auto path = folder / "no/such/file";
  CHECK_THROWS_WITH(write_file(path, bytes_of("x"), IfExists::keep),
                    ContainsSubstring(path.string()) && ContainsSubstring("No such file"));
  CHECK_THROWS_WITH(read_file(path), ContainsSubstring(path.string()) && ContainsSubstring("No such file"));
  CHECK_THROWS_AS(read_file(folder.path()), IoError);
}

TEST_CASE("atomic file: a FIFO is refused at once") {
  const TempFolder folder;
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(read_text(folder / "fifo"), ContainsSubstring("not a regular file"));
}

TEST_CASE("atomic file: a write that runs out of room leaves nothing behind") {
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
