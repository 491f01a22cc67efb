// heed status: running trials and checkpoints, once and again.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/results/temp_folder.h"

using namespace heed::test;

namespace {

Words long_words() { return long_run({"train.checkpoint=100ms"}); }

Ended status(const TempFolder& folder) { return heed::test::heed(folder.path(), {"status", "r"}); }

}  // namespace

TEST_CASE("status: a line for each running trial, with step, loss, time left and checkpoint") {
  const TempFolder folder;
  Program sweep(folder.path(), long_words());
  std::string out;
  REQUIRE(eventually([&] {
    if (!std::filesystem::exists(folder / "r/plan.tsv")) return false;
    out = status(folder).out;
    return out.find("checkpoint after") != std::string::npos && out.find("loss") != std::string::npos;
  }));
  CHECK_THAT(out, ContainsSubstring("0 pending, 1 running, 0 done") &&
                      ContainsSubstring("\nsoftmax seed=0: step ") && ContainsSubstring("/10000000  loss ") &&
                      ContainsSubstring("left ") && ContainsSubstring(" steps\n"));
  // Stopped, it is pending, and its checkpoint is shown.
  sweep.signal(SIGTERM);
  CHECK(sweep.wait().code == 75);
  const Ended stopped = status(folder);
  CHECK(stopped.code == 0);
  CHECK_THAT(stopped.out, ContainsSubstring("1 pending, 0 running") &&
                              ContainsSubstring("\nsoftmax seed=0: checkpoint after ") &&
                              !ContainsSubstring("loss"));
}

TEST_CASE("status: what a killed process left is not shown as running, and ends with the trial") {
  const TempFolder folder;
  Program sweep(folder.path(), long_words());
  REQUIRE(eventually([&] {
    return std::filesystem::exists(folder / "r/plan.tsv") &&
           status(folder).out.find("loss") != std::string::npos;
  }));
  const pid_t worker = heed::test::worker_of(sweep);
  sweep.signal(SIGKILL);
  sweep.wait();
  REQUIRE(eventually([&] { return !alive(worker); }));
  CHECK_THAT(status(folder).out, ContainsSubstring("1 pending, 0 running") && !ContainsSubstring("loss"));
  Words words = long_words();
  words.emplace_back("limits.time=1500ms");
  CHECK(heed::test::heed(folder.path(), words).code == 1);
  for (const auto& entry : std::filesystem::directory_iterator(folder / "r/logs"))
    CHECK(entry.path().extension() != ".progress");
}

TEST_CASE("status --watch: repeated blocks in a pipe, until all trials have ended") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {}).code == 0);
  const Ended once = heed::test::heed(folder.path(), {"status", "r", "--watch"});
  CHECK(once.code == 0);
  CHECK(once.out == status(folder).out);

  std::filesystem::remove_all(folder / "r");
  Program sweep(folder.path(), long_words());
  REQUIRE(eventually([&] { return std::filesystem::exists(folder / "r/plan.tsv"); }));
  Program watch(folder.path(), {"status", "r", "--watch"});
  REQUIRE(eventually([&] { return status(folder).out.find("1 running") != std::string::npos; }));
  std::this_thread::sleep_for(std::chrono::seconds(3));
  sweep.signal(SIGTERM);
  CHECK(sweep.wait().code == 75);
  CHECK_FALSE(watch.ended());  // a sweep that was stopped may go on
  watch.signal(SIGINT);
  const Ended ended = watch.wait();
  CHECK(ended.code == 0);
  CHECK_THAT(ended.out,
             ContainsSubstring("killed\nsoftmax") && ContainsSubstring("\n\n") && !ContainsSubstring("\033"));
}
