// The report that a run leaves behind, and what may go wrong with it.
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/cli/program.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::EndsWith;
using heed::test::Ended;
using heed::test::read_file;
using heed::test::TempFolder;

Ended run(const TempFolder& folder) {
  const std::string sweep = (heed::test::source_dir() / "configs/smoke.yaml").string();
  return heed::test::heed(folder.path(), {"run", sweep, "-o", "r", "-j", "1"});
}

// While it lives, `gnuplot` on PATH is a script of these lines; none where they are empty.
class OtherGnuplot {
 public:
  OtherGnuplot(const TempFolder& folder, const std::string& script) : before_(std::getenv("PATH")) {
    fs::create_directories(folder / "bin");
    if (!script.empty()) {
      heed::test::write_file(folder / "bin/gnuplot", "#!/bin/sh\n" + script);
      fs::permissions(folder / "bin/gnuplot", fs::perms::owner_all);
    }
    setenv("PATH", (folder / "bin").c_str(), 1);
  }
  OtherGnuplot(const OtherGnuplot&) = delete;
  OtherGnuplot& operator=(const OtherGnuplot&) = delete;
  ~OtherGnuplot() { setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

}  // namespace

TEST_CASE("a run leaves its report behind") {
  const TempFolder folder;
  const Ended ended = run(folder);
  CHECK(ended.code == 0);
  CHECK_THAT(ended.err, EndsWith("Results: r/results.h5\nReport: r/report.html\n") ||
                            ContainsSubstring("gnuplot is not on PATH"));
  CHECK(ended.out.find("report.html") == std::string::npos);
  const std::string page = read_file(folder / "r/report.html");
  CHECK_THAT(page, ContainsSubstring("<h1>smoke</h1>") && EndsWith("</html>\n"));
  // `heed report` makes the same one.
  CHECK(heed::test::heed(folder.path(), {"report", "r", "-o", "again.html"}).code == 0);
  CHECK(read_file(folder / "again.html") == page);
}

TEST_CASE("without gnuplot a run's report has the tables, and a sentence") {
  const TempFolder folder;
  const OtherGnuplot none(folder, "");
  const Ended ended = run(folder);
  CHECK(ended.code == 0);
  CHECK_THAT(ended.err, ContainsSubstring("gnuplot is not on PATH") && EndsWith("Report: r/report.html\n"));
  const std::string page = read_file(folder / "r/report.html");
  CHECK_THAT(page, ContainsSubstring("gnuplot is not on PATH") && ContainsSubstring("<table>"));
  CHECK(page.find("<svg") == std::string::npos);
}

TEST_CASE("a run whose report goes wrong has ended well") {
  const TempFolder folder;
  SECTION("gnuplot fails") {
    const OtherGnuplot broken(folder, "echo 'no terminal' >&2\nexit 1\n");
    const Ended ended = run(folder);
    CHECK(ended.code == 0);
    CHECK_THAT(ended.err, ContainsSubstring("no terminal") && EndsWith("Report: r/report.html\n"));
  }
  SECTION("gnuplot kills what started it") {
    const OtherGnuplot deadly(folder, "kill -9 $PPID\n");
    const Ended ended = run(folder);
    CHECK(ended.code == 0);
    CHECK_THAT(
        ended.err,
        EndsWith("The report could not be made; the results are whole. `heed report r` tries again.\n"));
  }
  SECTION("its place is taken") {
    fs::create_directories(folder / "r/report.html/full");
    const Ended ended = run(folder);
    CHECK(ended.code == 0);
    CHECK_THAT(ended.err,
               ContainsSubstring("report.html") && ContainsSubstring("The report could not be made"));
  }
  CHECK(fs::exists(folder / "r/results.h5"));
}
