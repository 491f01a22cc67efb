// Folders for temporary files, and what becomes of them when a process is killed.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "experiments/system/scratch_folder.h"
#include "results/errors.h"
#include "tests/catch.h"
#include "tests/results/temp_folder.h"

namespace {

namespace fs = std::filesystem;
using heed::ScratchFolder;

// While it lives, temporary files go there.
class OtherTmpdir {
 public:
  explicit OtherTmpdir(const fs::path& folder) : before_(fs::temp_directory_path()) {
    setenv("TMPDIR", folder.c_str(), 1);
  }
  OtherTmpdir(const OtherTmpdir&) = delete;
  OtherTmpdir& operator=(const OtherTmpdir&) = delete;
  ~OtherTmpdir() { setenv("TMPDIR", before_.c_str(), 1); }

 private:
  fs::path before_;
};

// Makes a folder with a file in it, and is killed.
void make_and_die() {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const ScratchFolder folder("report");
    std::ofstream(folder.path() / "figure.gp") << "plot 1\n";
    raise(SIGKILL);
  }
  waitpid(child, nullptr, 0);
}

std::ptrdiff_t count(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

}  // namespace

TEST_CASE(
    "scratch folder: what a killed process left goes with the next folder of its purpose, and nothing else "
    "does") {
  const heed::test::TempFolder tmp;
  const OtherTmpdir set(tmp.path());
  const ScratchFolder alive("report");
  fs::create_directory(tmp / "heed_report_of_somebody");
  make_and_die();
  make_and_die();  // which takes the first along
  CHECK(count(tmp.path()) == 3);
  { const ScratchFolder other("verify"); }
  CHECK(count(tmp.path()) == 3);
  { const ScratchFolder next("report"); }
  CHECK(count(tmp.path()) == 2);
  CHECK(fs::is_directory(alive.path()));
}

TEST_CASE("scratch folder: where there is no folder for temporary files, TMPDIR is named") {
  const heed::test::TempFolder tmp;
  {
    const OtherTmpdir set(tmp / "none");
    CHECK_THROWS_AS(ScratchFolder("report"), heed::results::IoError);
    CHECK_THROWS_WITH(ScratchFolder("report"), ContainsSubstring((tmp / "none").string()) &&
                                                   ContainsSubstring("Set TMPDIR to a folder"));
  }
}
