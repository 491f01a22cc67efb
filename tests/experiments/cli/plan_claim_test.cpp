// Two sweeps in one run directory: one at a time, and never one's results for the other's.
#include <csignal>
#include <filesystem>
#include <string>

#include "results/table.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

using namespace heed::test;

namespace {

namespace fs = std::filesystem;

// A trial in folder/r that runs until it is stopped.
struct Running {
  explicit Running(const TempFolder& folder) : program(folder.path(), long_run({"-j", "1"})) {
    worker_of(program);
  }
  Program program;
};

}  // namespace

TEST_CASE("heed run: another plan is refused while one runs, by any path to the folder") {
  const TempFolder folder;
  Running first(folder);
  fs::create_directory_symlink("r", folder / "link");
  const std::string before = read_file(folder / "r/sweep.yaml");
  for (const char* way : {"r", "./r/", "link", "r/../r"}) {
    INFO(way);
    const Ended second = run_smoke(folder, way, {"variants=[linear]"});
    CHECK(second.code == 64);
    CHECK_THAT(second.err, ContainsSubstring("another sweep") && ContainsSubstring("heed run") &&
                               ContainsSubstring("train.steps=10000000") && ContainsSubstring("-o DIR"));
    CHECK(second.out.empty());
  }
  CHECK(read_file(folder / "r/sweep.yaml") == before);
  CHECK(trials(folder / "r").empty());
  // The lock ends with its process.
  first.program.signal(SIGKILL);
  first.program.wait();
  CHECK(run_smoke(folder, "r", {"variants=[linear]"}).code == 0);
}

TEST_CASE("heed run: the same plan with other compare settings is another one") {
  const TempFolder folder;
  Running first(folder);
  CHECK(run_smoke(folder, "r", with(kLong, {"compare.metric=test_loss"})).code == 64);
  // A part of the plan that runs is refused like all of it.
  CHECK(run_smoke(folder, "r", {"variants=[linear]", "--part", "0/2"}).code == 64);
}

TEST_CASE("heed run: two sweep files of one name have the same default folder") {
  const TempFolder folder;
  const std::string text = read_file(smoke());
  const std::string body = text.substr(text.find("\nvariants:"));
  write_file(folder / "a.yaml", "name: base" + body);
  write_file(folder / "b.yaml", "name: base" + body);
  Program first(folder.path(), with({"run", "a.yaml"}, kLong));
  worker_of(first);
  const Ended second = heed::test::heed(folder.path(), {"run", "b.yaml", "variants=[linear]"});
  CHECK(second.code == 64);
  CHECK_THAT(second.err, ContainsSubstring("runs/base") && ContainsSubstring("a.yaml"));
}

TEST_CASE("heed run: a plan that replaces another one reports what it leaves out") {
  const TempFolder folder;
  const Ended softmax = run_smoke(folder, "r", {"variants=[softmax]"});
  CHECK(softmax.code == 0);
  CHECK_THAT(softmax.err, !ContainsSubstring("leaves out"));
  const Ended grown = run_smoke(folder, "r", {"variants=[softmax]", "sweep.seeds=3"});
  CHECK_THAT(grown.err, !ContainsSubstring("leaves out"));
  const Ended linear = run_smoke(folder, "r", {"variants=[linear]"});
  CHECK(linear.code == 0);
  CHECK_THAT(linear.err, ContainsSubstring("another sweep") && ContainsSubstring("leaves out 3 results"));
  CHECK(heed::results::read_results(folder / "r/results.h5").texts("variant") == Words{"linear", "linear"});
  CHECK_THAT(run_smoke(folder, "r", {"variants=[linear]"}).err, !ContainsSubstring("leaves out"));
  // The sweep file of the other plan is still there.
  CHECK_THAT(linear.err, ContainsSubstring("`heed run r/sweep.yaml.old -o r`"));
  CHECK(heed::test::heed(folder.path(), {"run", "r/sweep.yaml.old", "-o", "r"}).code == 0);
  CHECK(heed::results::read_results(folder / "r/results.h5").texts("variant").size() == 3);
}

TEST_CASE("heed run: the other sweep is returned to also if its plugin was named on the command line") {
  const TempFolder folder;
  const std::string plugin = (build_dir() / "plugins/faulty.so").string();
  const Words one = {"sweep.seeds=1"};
  REQUIRE(run_smoke(folder, "r", with(one, {"variants=[softmax, faulty_scaled]", "--plugin", plugin})).code ==
          0);
  const Ended replacing = run_smoke(folder, "r", with(one, {"variants=[linear]", "--plugin", plugin}));
  CHECK(replacing.code == 0);
  CHECK_THAT(replacing.err,
             ContainsSubstring("`heed run r/sweep.yaml.old -o r` returns to the other sweep."));
  const Ended returned = heed::test::heed(folder.path(), {"run", "r/sweep.yaml.old", "-o", "r"});
  CHECK(returned.code == 0);
  CHECK_THAT(returned.out, ContainsSubstring("faulty_scaled"));
  CHECK_THAT(read_file(folder / "r/sweep.yaml"), ContainsSubstring(plugin));
  // Only plugins that the sweep uses are listed.
  CHECK_THAT(read_file(folder / "r/sweep.yaml.old"), !ContainsSubstring("faulty"));
}

TEST_CASE("heed run: a sweep file that the user has edited in place is no other sweep") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {"train.lr=0.5", "sweep.seeds=1"}).code == 0);
  const std::string text = "# edited\n" + read_file(smoke());
  write_file(folder / "r/sweep.yaml", text);
  // The file of the replaced plan is lost, so nothing promises it.
  const Ended edited = heed::test::heed(folder.path(), {"run", "r/sweep.yaml", "-o", "r"});
  CHECK(edited.code == 0);
  CHECK_THAT(edited.err, ContainsSubstring("leaves out") && !ContainsSubstring("sweep.yaml.old"));
  CHECK_FALSE(fs::exists(folder / "r/sweep.yaml.old"));
  // Another sweep would replace the edited file.
  const Ended refused = run_smoke(folder, "r", {"variants=[linear]"});
  CHECK(refused.code == 64);
  CHECK_THAT(refused.err, ContainsSubstring("r/sweep.yaml: ") && ContainsSubstring("-o DIR"));
  CHECK(read_file(folder / "r/sweep.yaml") == text);
}

TEST_CASE("compare and report: a note names a sweep file that was changed after the run") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {"sweep.seeds=1"}).code == 0);
  CHECK(heed::test::heed(folder.path(), {"compare", "r"}).err.empty());
  fs::copy_file(smoke(), folder / "r/sweep.yaml", fs::copy_options::overwrite_existing);
  for (const char* verb : {"compare", "report"})
    CHECK_THAT(heed::test::heed(folder.path(), {verb, "r"}).err,
               ContainsSubstring("r/sweep.yaml was changed after the run"));
}

TEST_CASE("compare: results that another plan's process merged late are merged again") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {"variants=[softmax]"}).code == 0);
  const std::string late = read_file(folder / "r/results.h5");
  REQUIRE(run_smoke(folder, "r", {"variants=[linear]"}).code == 0);
  write_file(folder / "r/results.h5", late);
  const Ended compared = heed::test::heed(folder.path(), {"compare", "r"});
  CHECK(compared.code == 0);
  CHECK_THAT(compared.out, ContainsSubstring("linear") && !ContainsSubstring("softmax"));
}

TEST_CASE("run and merge: --plan refuses the plan of another sweep") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {}).code == 0);
  const std::string plan = read_file(folder / "r/plan.tsv");
  const std::string digest = plan.substr(plan.rfind(' ') + 1, 16);
  CHECK(heed::test::heed(folder.path(), {"run", "r/sweep.yaml", "-o", "r", "--plan", digest}).code == 0);
  CHECK(heed::test::heed(folder.path(), {"merge", "r", "--plan", digest}).code == 0);
  REQUIRE(run_smoke(folder, "r", {"variants=[linear]"}).code == 0);
  for (const Words& words :
       {Words{"run", "r/sweep.yaml", "-o", "r", "--plan", digest}, Words{"merge", "r", "--plan", digest}}) {
    const Ended late = heed::test::heed(folder.path(), words);
    CHECK(late.code == 64);
    CHECK_THAT(late.err, ContainsSubstring("--plan " + digest));
  }
}
