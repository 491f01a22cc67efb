// The report that a run leaves behind, and what may go wrong with it.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::EndsWith;
using heed::test::Ended;
using heed::test::read_file;
using heed::test::TempFolder;

Ended run(const TempFolder& folder) {
  const std::string sweep = heed::test::smoke();
  return heed::test::heed(folder.path(), {"run", sweep, "-o", "r", "-j", "1"});
}

// While it lives, a variable of the environment has another value.
class OtherVariable {
 public:
  OtherVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, value.c_str(), 1);
  }
  OtherVariable(const OtherVariable&) = delete;
  OtherVariable& operator=(const OtherVariable&) = delete;
  ~OtherVariable() {
    if (before_)
      setenv(name_, before_->c_str(), 1);
    else
      unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

// While it lives, `gnuplot` on PATH is a script of these lines; none where they are empty.
class OtherGnuplot {
 public:
  OtherGnuplot(const TempFolder& folder, const std::string& script)
      : path_("PATH", (folder / "bin").string()) {
    fs::create_directories(folder / "bin");
    if (script.empty()) return;
    heed::test::write_file(folder / "bin/gnuplot", "#!/bin/sh\n" + script);
    fs::permissions(folder / "bin/gnuplot", fs::perms::owner_all);
  }

 private:
  OtherVariable path_;
};

}  // namespace

TEST_CASE("heed report: a run leaves its report behind") {
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

TEST_CASE("heed report: without gnuplot a run's report has the tables, and a sentence") {
  const TempFolder folder;
  const OtherGnuplot none(folder, "");
  const Ended ended = run(folder);
  CHECK(ended.code == 0);
  CHECK_THAT(ended.err, ContainsSubstring("gnuplot is not on PATH") && EndsWith("Report: r/report.html\n"));
  const std::string page = read_file(folder / "r/report.html");
  CHECK_THAT(page, ContainsSubstring("gnuplot is not on PATH") && ContainsSubstring("<table>"));
  CHECK(page.find("<svg") == std::string::npos);
}

TEST_CASE("heed report: a folder of PATH that cannot be looked into is passed over") {
  const TempFolder folder;
  fs::create_symlink("loop", folder / "loop");
  const OtherVariable path("PATH", (folder / "loop").string() + ':' + std::getenv("PATH"));
  const Ended ended = run(folder);
  CHECK(ended.code == 0);
  CHECK_THAT(ended.err, EndsWith("Report: r/report.html\n"));
}

TEST_CASE("heed report: a process that ends while it draws leaves neither gnuplot nor folders behind") {
  const TempFolder folder;
  REQUIRE(run(folder).code == 0);
  const std::string page = read_file(folder / "r/report.html");
  const TempFolder tmp;
  const OtherVariable there("TMPDIR", tmp.path());
  pid_t gnuplot = 0;
  // Starts heed, and waits until gnuplot runs.
  const auto drawing = [&](const std::vector<std::string>& words) {
    fs::remove(folder / "pid");
    const std::string pid = (folder / "pid").string();
    const OtherGnuplot slow(
        folder, "echo $$ > " + pid + ".new; /bin/mv " + pid + ".new " + pid + "; exec /bin/sleep 600\n");
    auto program = std::make_unique<heed::test::Program>(folder.path(), words);
    REQUIRE(heed::test::eventually([&] { return fs::exists(folder / "pid"); }));
    gnuplot = std::stoi(read_file(folder / "pid"));
    CHECK_FALSE(fs::is_empty(tmp.path()));
    return program;
  };
  const std::string sweep = heed::test::smoke();
  SECTION("heed report is asked to stop") {
    const auto program = drawing({"report", "r"});
    program->signal(SIGINT);
    const Ended ended = program->wait();
    CHECK(ended.code == 75);
    CHECK(ended.err == "Stopped: the report was not written.\n");
  }
  SECTION("heed run is asked to stop") {
    const auto program = drawing({"run", sweep, "-o", "r"});
    program->signal(SIGTERM);
    const Ended ended = program->wait();
    CHECK(ended.code == 75);
    CHECK_THAT(ended.err, ContainsSubstring("Run the same command again to continue."));
  }
  SECTION("heed run is killed") {
    const auto program = drawing({"run", sweep, "-o", "r"});
    program->signal(SIGKILL);
    CHECK(program->wait().code == 128 + SIGKILL);
    CHECK(heed::test::eventually([&] { return !heed::test::alive(gnuplot); }));
    CHECK(run(folder).code == 0);  // and takes the folder along
  }
  CHECK(heed::test::eventually([&] { return !heed::test::alive(gnuplot); }));
  CHECK(fs::is_empty(tmp.path()));
  CHECK(read_file(folder / "r/report.html") == page);
}

TEST_CASE("heed report: without a folder for temporary files there are no figures, and TMPDIR is named") {
  const TempFolder folder;
  REQUIRE(run(folder).code == 0);
  const OtherVariable nowhere("TMPDIR", folder / "none");
  const Ended report = heed::test::heed(folder.path(), {"report", "r"});
  const std::string why = (folder / "none").string() +
                          ": cannot be used for temporary files: No such file or directory. Set TMPDIR";
  CHECK(report.code == 1);
  CHECK_THAT(report.err, ContainsSubstring("Not all figures could be drawn: " + why));
  const std::string page = read_file(folder / "r/report.html");
  CHECK_THAT(page, ContainsSubstring("Set TMPDIR to a folder") && ContainsSubstring("<table>"));
  CHECK(page.find("<svg") == std::string::npos);
  const Ended verify = heed::test::heed(folder.path(), {"verify", "r"});
  CHECK(verify.code == 74);
  CHECK_THAT(verify.err, ContainsSubstring("heed: " + why));
}

TEST_CASE("heed report: a run whose report goes wrong has ended well") {
  const TempFolder folder;
  SECTION("gnuplot fails") {
    const OtherGnuplot broken(folder, "echo 'no terminal' >&2\nexit 1\n");
    const Ended ended = run(folder);
    CHECK(ended.code == 0);
    CHECK_THAT(ended.err, ContainsSubstring("no terminal") && EndsWith("Report: r/report.html\n"));
  }
  SECTION("gnuplot leaves half a figure") {
    const OtherGnuplot full(folder, "for f in *.gp; do printf '<svg>' > ${f%.gp}.svg; done\n");
    const Ended ended = run(folder);
    CHECK(ended.code == 0);
    CHECK_THAT(ended.err, ContainsSubstring("Not all figures could be drawn: gnuplot left "));
    const std::string page = read_file(folder / "r/report.html");
    CHECK_THAT(page, ContainsSubstring("gnuplot left ") && EndsWith("</html>\n"));
    CHECK(page.find("<svg") == std::string::npos);
  }
  SECTION("gnuplot is of another machine") {
    const OtherGnuplot broken(folder, "");
    heed::test::write_file(folder / "bin/gnuplot", "no program");
    fs::permissions(folder / "bin/gnuplot", fs::perms::owner_all);
    const Ended ended = run(folder);
    CHECK(ended.code == 0);
    CHECK_THAT(ended.err, ContainsSubstring("Exec format error") && EndsWith("Report: r/report.html\n"));
  }
  SECTION("gnuplot kills what started it") {
    const OtherGnuplot deadly(folder, "kill -9 $PPID\n");
    const Ended ended = run(folder);
    CHECK(ended.code == 0);
    CHECK_THAT(
        ended.err,
        EndsWith(
            "The report could not be written; the results are complete. `heed report r` tries again.\n"));
  }
  SECTION("its place is taken") {
    run(folder);  // a foreign report.html in a folder without a plan is refused before anything runs
    fs::remove(folder / "r/report.html");
    fs::create_directories(folder / "r/report.html/full");
    const Ended ended = run(folder);
    CHECK(ended.code == 0);
    CHECK_THAT(ended.err,
               ContainsSubstring("report.html") && ContainsSubstring("The report could not be written"));
  }
  CHECK(fs::exists(folder / "r/results.h5"));
}
