// Arguments that are refused before any work: each with a remedy, and none of them ignored.
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/results/temp_folder.h"

using namespace heed::test;

namespace {

struct Case {
  Words words;
  int code;
  std::string place;  // of the mistake, in the message
};

void check_refused(const TempFolder& folder, const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    INFO(c.words[0] << ' ' << c.place);
    const Ended ended = heed::test::heed(folder.path(), c.words);
    CHECK(ended.code == c.code);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, ContainsSubstring(c.place));
  }
}

}  // namespace

TEST_CASE("heed verbs: a FIFO is refused, although opening it would not end") {
  const TempFolder folder;
  REQUIRE(mkfifo((folder / "ff").c_str(), 0600) == 0);
  const std::string why = "ff: is not a regular file";
  check_refused(folder,
                {{{"plan", "ff"}, 74, why},
                 {{"run", "ff"}, 74, why},
                 {{"compare", "ff"}, 74, why},
                 {{"bench", "softmax", "--history", "ff"}, 74, why},
                 {{"list", "--plugin", "ff"}, 66, "ff: this plugin cannot be read"},
                 {{"data", "file", "path=ff", "-n", "1", "-o", "x.h5"}, 64, "ff' is not a regular file"}});
}

TEST_CASE("heed verbs: a number of threads that no machine can start is refused") {
  const TempFolder folder;
  const std::string threads = "--threads is 100000 but must be at most 1024";
  check_refused(folder,
                {{{"run", smoke(), "--threads", "100000"}, 2, threads},
                 {{"eval", ".", "--threads", "100000"}, 2, threads},
                 {{"angles", "--threads", "100000"}, 2, threads},
                 {{"bench", "softmax", "--threads", "100000"}, 2, threads},
                 {{"bench", "softmax", "--decode", "--threads", "100000"}, 2, threads},
                 {{"run", smoke(), "-j", "100000"}, 2, "--jobs is 100000 but must be at most 1024"},
                 {{"bench", "softmax", "--context-parallel", "100000"}, 2, "--context-parallel is 100000"}});
  CHECK_FALSE(std::filesystem::exists(folder / "runs"));
}

TEST_CASE("heed verbs: an output in a missing folder is refused before the work") {
  const TempFolder folder;
  const std::string why = "there is no folder 'nope'";
  check_refused(folder, {{{"angles", "-o", "nope/x.h5"}, 74, why},
                         {{"eval", ".", "-o", "nope/x.csv"}, 74, why},
                         {{"data", "copy", "-n", "1", "-o", "nope/x.h5"}, 74, why},
                         {{"bench", "softmax", "--history", "nope/x"}, 74, why},
                         {{"data", "copy", "-n", "1", "-o", "."}, 74, "is a folder"}});
}

TEST_CASE("heed verbs: an option without effect is refused") {
  const TempFolder folder;
  check_refused(folder,
                {{{"bench", "--step", smoke(), "--length", "4"}, 2, "--length has no effect with --step"},
                 {{"bench", "softmax", "--warmup", "3"}, 2, "--warmup has no effect without --step"},
                 {{"run", smoke(), "--complete"}, 64, "--complete has no effect"}});
  REQUIRE(run_smoke(folder, "r", {"sweep.seeds=1"}).code == 0);
  const std::string id = trials(folder / "r")[0].stem().string();
  for (const char* verb : {"verify", "eval"})
    check_refused(folder, {{{verb, "r", "--trial", id, "--trial", id}, 2, id + " is given twice"}});
}
