// Trials of several ranks: processes that train together (train.context_parallel).
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "experiments/ranks/mpi_ranks.h"
#include "results/comparison.h"
#include "results/table.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/faults/six_trials.h"

using namespace heed::test;

namespace {

namespace fs = std::filesystem;
namespace results = heed::results;

constexpr const char* kMark = "HEED_TEST_RANKS";  // in the environment of every process of a test

bool without_mpi() {
  const std::string why = heed::why_no_ranks();
  if (!why.empty()) fmt::print("Skipped: {}.\n", why);
  return !why.empty();
}

// A sweep of one trial on two ranks, into `out`.
Words two_ranks(const std::string& out, const Words& more = {}) {
  return with({"run", smoke(), "-o", out, "-j", "2", "variants=[softmax]", "sweep.seeds=1",
               "train.context_parallel=2"},
              more);
}
// The same with an optimizer that misbehaves.
Words bad_rank(const std::string& optimizer, const Words& more = {}) {
  return with(two_ranks("r", {"--plugin", (build_dir() / "plugins/bad_rank.so").string(), "train.warmup=0",
                              "train.optimizer=" + optimizer}),
              more);
}

bool none_left(const std::string& mark, double seconds = 2) {
  return eventually([&] { return processes_with(kMark, mark).empty(); }, seconds);
}

double test_loss(const TempFolder& folder, const std::string& out) {
  return results::read_results(folder / out / "results.h5").numbers("test_loss").at(0);
}

}  // namespace

TEST_CASE("ranks: a trial on two ranks ends like one on one rank, up to rounding") {
  if (without_mpi()) return;
  const TempFolder folder;
  const Ended ended = heed::test::heed(folder.path(), two_ranks("two"));
  INFO(ended.err);
  REQUIRE(ended.code == 0);
  REQUIRE(heed::test::heed(folder.path(), two_ranks("one", {"train.context_parallel=1"})).code == 0);
  CHECK(std::abs(test_loss(folder, "two") - test_loss(folder, "one")) <= 1e-5);
  // The same command on the same ranks has the same bits.
  REQUIRE(heed::test::heed(folder.path(), two_ranks("again")).code == 0);
  CHECK(results::compare_results(folder / "two/results.h5", folder / "again/results.h5") == Words{});
  // Reports are for the supervisor, not for the log.
  for (const auto& entry : fs::directory_iterator(folder / "two/logs"))
    CHECK_THAT(read_file(entry.path()), !ContainsSubstring("\x1e"));
  CHECK(fs::is_empty(folder / "two/checkpoints"));
  // What else trains a trial of this directory.
  const Ended verified = heed::test::heed(folder.path(), {"verify", "two"});
  CHECK(verified.code == 0);
  CHECK_THAT(verified.out + verified.err, ContainsSubstring("1 equal to the bit"));
  const std::string id = trials(folder / "two").at(0).stem().string();
  const Ended by_hand = heed::test::heed(folder.path(), {"trial", "--config", "two/logs/" + id + ".yaml"});
  INFO(by_hand.out);
  CHECK(by_hand.code == 0);
  CHECK_THAT(by_hand.out, ContainsSubstring(id + "  done\n") && ContainsSubstring("test_loss"));
}

TEST_CASE("ranks: what one rank does ends its trial only, at once, and is recorded with the rank") {
  if (without_mpi()) return;
  const TempFolder folder;
  const Environment mark(kMark, folder.path().string());
  std::string optimizers;
  const std::vector<std::string> faults = {"none",  "throws",       "crashes",    "exits",
                                           "hangs", "kills_itself", "eats_memory"};
  for (const std::string& fault : faults)
    optimizers += (optimizers.empty() ? "" : ", ") + fmt::format("{{bad_rank: {{fault: {}}}}}", fault);
  const Ended ended = heed::test::heed(
      folder.path(), bad_rank("[" + optimizers + "]", {"limits.time=8s", "limits.memory=512MiB"}));
  INFO(ended.err);
  CHECK(ended.code == 1);
  CHECK(none_left(folder.path().string()));
  const results::Results found = results::read_results(folder / "r/results.h5");
  const std::vector<std::string> status = found.texts("status"), reason = found.texts("reason");
  const std::vector<double> step = found.numbers("last_step"), seconds = found.numbers("seconds");
  const std::map<std::string, std::pair<std::string, std::string>> expected = {
      {"none", {"done", ""}},
      {"throws", {"failed", "rank 1: the optimizer does not like this rank"}},
      {"crashes", {"failed", "rank 1: signal 11 (SIGSEGV)"}},
      {"exits", {"failed", "rank 1: it ended with exit code 3 before it had a result"}},
      {"hangs", {"killed", "it took longer than 8.0 s (limits.time)"}},
      {"kills_itself",
       {"killed", "rank 1: signal 9 (SIGKILL): from outside, or the machine ran out of memory"}},
      {"eats_memory", {"failed", "rank 1: out of memory: at most 512 MiB are allowed (limits.memory)"}}};
  REQUIRE(status.size() == faults.size());
  for (std::size_t i = 0; i < faults.size(); ++i) {
    INFO(faults[i]);
    const auto& [how, why] = expected.at(faults[i]);
    CHECK(status[i] == how);
    CHECK(reason[i] == why);
    // Rank 0 may have completed the step in which rank 1 ends.
    if (faults[i] == "none")
      CHECK(step[i] == 20);
    else
      CHECK((step[i] == 2 || step[i] == 3));
    if (faults[i] != "hangs") CHECK(seconds[i] < 8);
  }
}

TEST_CASE("ranks: stopped by a signal, a trial continues from its checkpoint to the same bits") {
  if (without_mpi()) return;
  const int signal = GENERATE(SIGINT, SIGTERM, SIGUSR1);
  const TempFolder folder;
  const Environment mark(kMark, folder.path().string());
  const Words more = {"train.steps=200",
                      "train.warmup=0",
                      "save=[weights]",
                      "--plugin",
                      (build_dir() / "plugins/bad_rank.so").string(),
                      "train.optimizer={bad_rank: {sleep: 5}}"};
  Program program(folder.path(), two_ranks("r", with(more, {"train.checkpoint=100ms"})));
  REQUIRE(eventually(
      [&] { return fs::exists(folder / "r/checkpoints") && !fs::is_empty(folder / "r/checkpoints"); }));
  program.signal(signal);
  const Ended stopped = program.wait();
  INFO(stopped.err);
  CHECK(stopped.code == 75);
  CHECK(none_left(folder.path().string()));
  CHECK(trials(folder / "r").empty());
  const Ended ended = heed::test::heed(folder.path(), two_ranks("r", more));
  INFO(ended.err);
  CHECK(ended.code == 0);
  CHECK_THAT(ended.err, ContainsSubstring("continues after "));
  REQUIRE(heed::test::heed(folder.path(), two_ranks("whole", more)).code == 0);
  CHECK(results::compare_results(folder / "r/results.h5", folder / "whole/results.h5") == Words{});
}

TEST_CASE("ranks: a second signal ends ranks that do not react, and the trial stays pending") {
  if (without_mpi()) return;
  const TempFolder folder;
  const Environment mark(kMark, folder.path().string());
  Program program(folder.path(), bad_rank("{bad_rank: {fault: hangs, rank: 0}}"));
  REQUIRE(eventually([&] {  // supervisor, launcher, mpirun and two ranks
    return processes_with(kMark, folder.path().string()).size() == 5;
  }));
  std::this_thread::sleep_for(std::chrono::seconds(1));  // until it hangs
  program.signal(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  CHECK_FALSE(program.ended());
  program.signal(SIGINT);
  CHECK(program.wait().code == 75);
  CHECK(none_left(folder.path().string()));
  CHECK(trials(folder / "r").empty());
}

TEST_CASE("ranks: without mpirun or with too few processes, nothing starts, and the remedy is named") {
  if (without_mpi()) return;
  const TempFolder folder;
  fs::create_directory(folder / "empty");
  const std::string path = std::getenv("PATH");
  setenv("PATH", (folder / "empty").c_str(), 1);
  const Ended ended = heed::test::heed(folder.path(), two_ranks("r"));
  const Ended planned = heed::test::heed(folder.path(), {"plan", smoke(), "train.context_parallel=2"});
  const Ended one_rank = heed::test::heed(folder.path(), {"plan", smoke()});
  setenv("PATH", path.c_str(), 1);
  const std::string why =
      "train.context_parallel=2 is not possible here: the program mpirun, which starts ranks, is not on "
      "PATH. "
      "Install the package openmpi-bin, or add the folder of mpirun to PATH.\n";
  CHECK(ended.code == 64);
  CHECK_THAT(ended.err, ContainsSubstring(why));
  CHECK_FALSE(fs::exists(folder / "r"));
  CHECK(planned.code == 0);
  CHECK_THAT(planned.err, ContainsSubstring("Warning: " + why));
  CHECK_THAT(planned.out, ContainsSubstring("Ranks: the processes of a trial"));
  CHECK_THAT(one_rank.err, !ContainsSubstring("context_parallel"));
  CHECK_THAT(heed::test::heed(folder.path(), {"plan", smoke(), "train.context_parallel=2"}).err,
             !ContainsSubstring("not possible"));
  const Ended few = heed::test::heed(folder.path(), two_ranks("r", {"train.context_parallel=3"}));
  CHECK(few.code == 64);
  CHECK_THAT(few.err, ContainsSubstring("train.context_parallel=3 needs 3 processes at a time, but at most 2 "
                                        "may run side by side") &&
                          ContainsSubstring("Use at most 2 ranks, or -j 3"));
  CHECK_FALSE(fs::exists(folder / "r"));
}
