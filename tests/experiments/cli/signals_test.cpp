// A sweep that is asked to stop, or whose terminal, reader or parent process is not what it might hope for.
#include <fcntl.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "results/comparison.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

using namespace heed::test;

namespace {

namespace fs = std::filesystem;

// Of a script in which "$heed" is the program: a short sweep, and one that lasts.
const std::string kRun = "\"$heed\" run " + smoke() + " -o r sweep.seeds=1 -j 1";
const std::string kRunLong =
    "\"$heed\" run " + smoke() + " -o r sweep.seeds=1 'variants=[softmax]' train.steps=10000000";

bool has_checkpoint(const TempFolder& folder) {
  return fs::exists(folder / "r/checkpoints") && !fs::is_empty(folder / "r/checkpoints");
}

}  // namespace

TEST_CASE(
    "heed signals: SIGINT and SIGTERM stop a sweep, and running it again ends like one that was never "
    "stopped") {
  const int signal = GENERATE(SIGINT, SIGTERM);
  const TempFolder folder;
  // Four short trials and one that would never end.
  const std::string text = read_file(smoke());
  write_file(folder / "s.yaml", text);
  const Words words = {"run", "s.yaml", "-o", "r", "-j", "1", "train.steps=[20, 10000000]", "sweep.seeds=1"};
  Program program(folder.path(), words);
  REQUIRE(eventually([&] { return trials(folder / "r").size() == 1; }));
  const pid_t worker = worker_of(program, trials(folder / "r")[0].stem().string());
  program.signal(signal);
  const Ended ended = program.wait();
  CHECK(ended.code == 75);
  CHECK_FALSE(alive(worker));
  CHECK(trials(folder / "r").size() == 1);
  CHECK_THAT(ended.err, ContainsSubstring("Merging the finished trials") &&
                            ContainsSubstring("Run the same command again to continue."));
  CHECK_THAT(heed::test::heed(folder.path(), {"status", "r"}).out,
             ContainsSubstring("3 pending, 0 running, 1 done"));

  CHECK(heed::test::heed(folder.path(), {"run", "s.yaml", "-o", "r", "sweep.seeds=1"}).code == 0);
  CHECK(heed::test::heed(folder.path(), {"run", "s.yaml", "-o", "whole", "sweep.seeds=1"}).code == 0);
  CHECK(heed::results::compare_results(folder / "r/results.h5", folder / "whole/results.h5") == Words{});
}

TEST_CASE(
    "heed signals: what was running when a sweep was stopped continues from its checkpoint, to the same "
    "bits") {
  const int signal = GENERATE(SIGINT, SIGTERM, SIGUSR1);
  const TempFolder folder;
  const Words more = {"train.steps=4000", "sweep.seeds=1", "variants=[softmax]", "save=[weights]"};
  Words words = {"run", smoke(), "-o", "r"};
  words.insert(words.end(), more.begin(), more.end());
  Program program(folder.path(), words);
  worker_of(program);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  program.signal(signal);
  CHECK(program.wait().code == 75);
  REQUIRE(trials(folder / "r").empty());
  REQUIRE_FALSE(fs::is_empty(folder / "r/checkpoints"));

  const Ended ended = heed::test::heed(folder.path(), words);
  CHECK(ended.code == 0);
  CHECK_THAT(ended.err, ContainsSubstring("softmax seed=0 continues after ") &&
                            ContainsSubstring(" of 4000 training steps."));
  CHECK(fs::is_empty(folder / "r/checkpoints"));
  CHECK(run_smoke(folder, "whole", more).code == 0);
  CHECK(heed::results::compare_results(folder / "r/results.h5", folder / "whole/results.h5") == Words{});
}

TEST_CASE(
    "heed signals: a signal while the trials are merged stops a sweep like any other, and nothing is lost") {
  const int signal = GENERATE(SIGINT, SIGTERM, SIGUSR1);
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {}).code == 0);
  fs::remove(folder / "r/results.h5");
  Program program(folder.path(), {"run", smoke(), "-o", "r"});
  pid_t merging = 0;
  // The one child of a run with nothing to train. Stopped, it cannot end before the signal comes.
  REQUIRE(eventually([&] {
    const std::vector<pid_t> children = program.children();
    if (children.empty()) return false;
    merging = children[0];
    return kill(merging, SIGSTOP) == 0;
  }));
  program.signal(signal);
  const Ended ended = program.wait();
  CHECK(ended.code == 75);
  CHECK_THAT(
      ended.err,
      ContainsSubstring(
          "Stopped: 4 of 4 trials done, 0 with a checkpoint. Run the same command again to continue."));
  CHECK_FALSE(alive(merging));
  CHECK_FALSE(fs::exists(folder / "r/results.h5"));
  CHECK(run_smoke(folder, "r", {}).code == 0);
}

TEST_CASE("heed signals: a worker that is stopped by a signal is not a failure") {
  const TempFolder folder;
  Program program(folder.path(),
                  {"run", smoke(), "-o", "r", "train.steps=4000", "sweep.seeds=1", "variants=[softmax]"});
  const pid_t worker = worker_of(program);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  kill(worker, SIGTERM);
  const Ended ended = program.wait();
  CHECK(ended.code == 0);
  CHECK_THAT(ended.err, ContainsSubstring("continues after "));
}

TEST_CASE("heed signals: a sweep that is stopped before anything is done leaves an empty table") {
  const TempFolder folder;
  Program program(folder.path(), long_run());
  worker_of(program);
  program.signal(SIGINT);
  CHECK(program.wait().code == 75);
  CHECK(heed::test::heed(folder.path(), {"merge", "r"}).code == 0);
  const Ended compare = heed::test::heed(folder.path(), {"compare", "r"});
  CHECK(compare.code == 0);
  CHECK_THAT(compare.out, ContainsSubstring("No trial has ended yet."));
}

TEST_CASE("heed signals: workers do not outlive a supervisor that is killed") {
  const TempFolder folder;
  Program program(folder.path(), long_run());
  const pid_t worker = worker_of(program);
  CHECK_THAT(heed::test::heed(folder.path(), {"status", "r"}).out, ContainsSubstring("0 pending, 1 running"));
  program.signal(SIGKILL);
  program.wait();
  CHECK(eventually([&] { return !alive(worker); }, 2));
  CHECK(trials(folder / "r").empty());
  CHECK(eventually([&] {
    return heed::test::heed(folder.path(), {"status", "r"}).out.starts_with("1 pending, 0 running");
  }));
}

TEST_CASE("heed signals: a terminal that is closed stops a sweep, which saves checkpoints") {
  const TempFolder folder;
  int terminal = -1;
  const pid_t pid = forkpty(&terminal, nullptr, nullptr, nullptr);
  if (pid < 0) {
    WARN("not tested: this machine has no pseudo-terminals (a bare chroot without /dev/pts?)");
    return;
  }
  if (pid == 0) {
    setenv("TERM", "xterm", 1);
    setenv("heed", heed::test::program().c_str(), 1);
    if (chdir(folder.path().c_str()) == 0)
      execl("/bin/sh", "sh", "-c", ("exec " + kRunLong).c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  REQUIRE(eventually([&] {
    return heed::test::heed(folder.path(), {"status", "r"}).out.find("1 running") != std::string::npos;
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  close(terminal);
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 75);
  CHECK(has_checkpoint(folder));
}

TEST_CASE("heed signals: SIGHUP does not stop a sweep under nohup") {
  const TempFolder folder;
  Program program(folder.path(), "/bin/sh", {"-c", "exec nohup " + kRunLong});
  const pid_t worker = worker_of(program);
  program.signal(SIGHUP);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  CHECK_FALSE(program.ended());
  CHECK(alive(worker));
  program.signal(SIGTERM);
  const Ended ended = program.wait();
  CHECK(ended.code == 75);
  CHECK(has_checkpoint(folder));
}

TEST_CASE("heed signals: a sweep does not depend on closed streams and ignored signals of its parent") {
  const TempFolder folder;
  const std::string began = GENERATE("env --ignore-signal=CHLD ", "env --ignore-signal=PIPE ");
  INFO(began);
  Program program(folder.path(), "/bin/sh", {"-c", "exec " + began + kRun});
  REQUIRE(eventually([&] { return program.ended(); }));
  CHECK(program.wait().code == 0);
  CHECK(trials(folder / "r").size() == 2);
}

TEST_CASE("heed signals: standard streams that were closed are not taken for something else") {
  const TempFolder folder;
  const std::string closed = GENERATE("2>&-", "<&- >&- 2>&-");
  INFO(closed);
  CHECK(shell(folder.path(), kRun + " " + closed).code == 0);
  CHECK(trials(folder / "r").size() == 2);
}

TEST_CASE("heed signals: a sweep continues if nobody reads its output") {
  const TempFolder folder;
  SECTION("about its progress") {
    // The reader is gone after a line, and the sweep's end goes to a file.
    const Ended ended = shell(folder.path(), "{ " + kRun + " 2>&1 >table; echo $? >code; } | head -n 1");
    CHECK_THAT(ended.out, ContainsSubstring("[1/2]"));
    CHECK(read_file(folder / "code") == "0\n");
    CHECK_THAT(read_file(folder / "table"), ContainsSubstring("test_accuracy"));
  }
  SECTION("about its results, which is an error of output") {
    const Ended ended = shell(folder.path(), "{ " + kRun + "; echo $? >code; } | true");
    CHECK(read_file(folder / "code") == "74\n");
    CHECK_THAT(ended.err, ContainsSubstring("standard output cannot be written"));
  }
  CHECK(fs::exists(folder / "r/results.h5"));
  CHECK(fs::exists(folder / "r/report.html"));
}
