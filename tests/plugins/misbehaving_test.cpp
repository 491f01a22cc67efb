// A variant that misbehaves spoils its own trial only, and the record says how.
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

#include "results/comparison.h"
#include "results/table.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::test::Ended;
using heed::test::Program;
using heed::test::TempFolder;
using Words = std::vector<std::string>;

Words run(const std::string& faults) {
  return {"run",
          (heed::test::source_dir() / "configs/smoke.yaml").string(),
          "-o",
          "r",
          "-j",
          "2",
          "--plugin",
          (heed::test::build_dir() / "plugins/misbehaving.so").string(),
          "sweep.seeds=1",
          "train.steps=10",
          "train.warmup=0",
          "variants=[softmax, {misbehaving: {fault: " + faults + "}}]"};
}

struct Trial {
  std::string status, reason;
  double last_step;
};

std::map<std::string, Trial> trials(const TempFolder& folder) {
  const heed::results::Results results = heed::results::read_results(folder / "r/results.h5");
  const std::vector<std::string> variant = results.texts("variant"), status = results.texts("status"),
                                 reason = results.texts("reason");
  const std::vector<double> step = results.numbers("last_step");
  std::map<std::string, Trial> out;
  for (std::size_t i = 0; i < variant.size(); ++i) out[variant[i]] = {status[i], reason[i], step[i]};
  return out;
}

}  // namespace

TEST_CASE("misbehaving: thirteen ways to misbehave each spoil one trial") {
  const TempFolder folder;
  Words words =
      run("[throws, throws_a_number, aborts, crashes, exits, nan, floods, closes_everything, loops, "
          "eats_memory, kills_itself, recurses, leaves_a_child]");
  words.insert(words.end(), {"limits.time=6s", "limits.output=1MB", "limits.memory=512MiB"});
  const Ended ended = heed::test::heed(folder.path(), words);
  CHECK(ended.code == 1);
  std::map<std::string, Trial> found = trials(folder);
  REQUIRE(found.size() == 14);
  CHECK(found["softmax"].status == "done");

  const auto check = [&](const std::string& fault, const std::string& status, const std::string& reason) {
    INFO(fault);
    const Trial trial = found["misbehaving(fault=" + fault + ")"];
    CHECK(trial.status == status);
    CHECK_THAT(trial.reason, ContainsSubstring(reason));
    CHECK(trial.last_step <= 10);
  };
  check("throws", "failed", "the variant does not like this batch");
  check("throws_a_number", "failed", "an exception that is not a std::exception");
  check("aborts", "failed", "signal 6 (SIGABRT)");
  check("crashes", "failed", "signal 11 (SIGSEGV)");
  check("exits", "failed", "it ended with exit code 0 before it had a result");
  check("nan", "diverged", "the gradient of step 2 is not finite");
  check("floods", "killed", "it printed more than 1000 kB (limits.output)");
  check("closes_everything", "done", "");
  check("loops", "killed", "it took longer than 6.0 s (limits.time)");
#if !defined(HEED_SANITIZE_ADDRESS) && !defined(HEED_SANITIZE_THREAD)
  check("eats_memory", "failed", "out of memory: at most 512 MiB are allowed (limits.memory)");
#endif
  check("kills_itself", "killed", "signal 9 (SIGKILL)");
  check("recurses", "failed", "signal 11 (SIGSEGV)");
  check("leaves_a_child", "failed", "signal 11 (SIGSEGV)");
  CHECK(found["misbehaving(fault=throws)"].last_step == 2);
  // What flooded its log left a short one.
  for (const auto& entry : std::filesystem::directory_iterator(folder / "r/logs"))
    CHECK(std::filesystem::file_size(entry.path()) <= 2'000'000);
  CHECK_THAT(heed::test::heed(folder.path(), {"status", "r"}).out,
             ContainsSubstring("0 pending, 0 running, 2 done, 1 diverged"));
}

TEST_CASE("misbehaving: the last step of a crash is the last step that was completed, each time") {
  const TempFolder one, two;
  Words words = run("[throws, crashes, kills_itself]");
  words.back().replace(words.back().find("]}"), 1, "], step: 7");
  for (const TempFolder* folder : {&one, &two}) {
    const Ended ended = heed::test::heed(folder->path(), words);
    CHECK_THAT(ended.err, ContainsSubstring("crashes) seed=0: failed after 6 steps, ") &&
                              ContainsSubstring(": signal 11"));
    std::map<std::string, Trial> found = trials(*folder);
    for (const char* fault : {"throws", "crashes", "kills_itself"})
      CHECK(found[fmt::format("misbehaving(fault={})", fault)].last_step == 6);
  }
  CHECK(heed::results::content_digest(one / "r/results.h5") ==
        heed::results::content_digest(two / "r/results.h5"));
}

TEST_CASE(
    "misbehaving: a continued trial that fails before its next step has the steps and the time of both "
    "processes") {
  const std::string fault = GENERATE("throws", "crashes");
  const TempFolder folder;
  Words words = run("environment");
  words.insert(words.end(), {"variants=[{misbehaving: {fault: environment, step: 1}}]", "train.steps=1000000",
                             "train.checkpoint=10ms"});
  unsetenv("HEED_TEST_FAULT");
  Program program(folder.path(), words);
  REQUIRE(heed::test::eventually([&] {
    return std::filesystem::exists(folder / "r/checkpoints") &&
           !std::filesystem::is_empty(folder / "r/checkpoints");
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  program.signal(SIGTERM);
  REQUIRE(program.wait().code == 75);

  setenv("HEED_TEST_FAULT", fault.c_str(), 1);
  const Ended ended = heed::test::heed(folder.path(), words);
  unsetenv("HEED_TEST_FAULT");
  CHECK(ended.code == 1);
  const heed::results::Results results = heed::results::read_results(folder / "r/results.h5");
  CHECK(results.texts("status") == Words{"failed"});
  const double step = results.numbers("last_step").at(0);
  CHECK(step > 0);
  CHECK_THAT(ended.err,
             ContainsSubstring(fmt::format("continues after {} of 1000000 training steps.", step)) &&
                 ContainsSubstring(fmt::format("failed after {} steps", step)));
  CHECK(results.numbers("seconds").at(0) > 0.5);
}

TEST_CASE("misbehaving: a variant that ignores SIGTERM is stopped all the same, and stays pending") {
  const TempFolder folder;
  Words words = run("ignores_sigterm");
  Program program(folder.path(), words);
  REQUIRE(heed::test::eventually([&] {
    return heed::test::heed(folder.path(), {"status", "r"}).out.starts_with("0 pending, 1 running, 1 done");
  }));
  heed::test::pause();
  program.signal(SIGUSR1);
  CHECK(program.wait().code == 75);
  CHECK_THAT(heed::test::heed(folder.path(), {"status", "r"}).out,
             ContainsSubstring("1 pending, 0 running, 1 done"));
}

TEST_CASE("misbehaving: --fail-fast stops at the first failure") {
  const TempFolder folder;
  Words words = run("[throws, none]");
  words.insert(words.end(), {"--fail-fast", "-j", "1", "sweep.seeds=3"});
  words.erase(std::find(words.begin(), words.end(), "-j"), std::find(words.begin(), words.end(), "-j") + 2);
  const Ended ended = heed::test::heed(folder.path(), words);
  CHECK(ended.code == 1);
  CHECK_THAT(ended.err, ContainsSubstring("Stopped at the first failure (--fail-fast)"));
  const std::string status = heed::test::heed(folder.path(), {"status", "r"}).out;
  CHECK_THAT(status, ContainsSubstring("1 failed"));
  CHECK_THAT(status, !ContainsSubstring("0 pending"));
}
