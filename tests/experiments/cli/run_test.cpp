// Whole sweeps through the program: parallel workers, continuing, failures, stopping.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "results/comparison.h"
#include "results/table.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/results/temp_folder.h"

using namespace heed::test;

namespace {

namespace fs = std::filesystem;
using heed::results::Status;

}  // namespace

TEST_CASE("heed run: workers side by side and threads in a trial change no bit of results.h5") {
  const TempFolder folder;
  const std::string save = "save=[weights, attention, logits]";
  CHECK(run_smoke(folder, "one", {"-j", "1", save}).code == 0);
  CHECK(run_smoke(folder, "two", {"-j", "2", save}).code == 0);
  CHECK(run_smoke(folder, "threads", {"-j", "1", "--threads", "2", save}).code == 0);
  CHECK(heed::results::compare_results(folder / "one/results.h5", folder / "two/results.h5") == Words{});
  CHECK(heed::results::compare_results(folder / "one/results.h5", folder / "threads/results.h5") == Words{});
  CHECK(heed::results::content_digest(folder / "one/results.h5") ==
        heed::results::content_digest(folder / "threads/results.h5"));
}

TEST_CASE("heed run: the same command again trains nothing, and a grown sweep only what is new") {
  const TempFolder folder;
  const Ended first = run_smoke(folder, "r", {});
  CHECK(first.code == 0);
  CHECK_THAT(first.out, ContainsSubstring("softmax") && ContainsSubstring("test_accuracy"));
  CHECK_THAT(first.err, ContainsSubstring("[4/4] "));
  const std::vector<fs::path> files = trials(folder / "r");
  REQUIRE(files.size() == 4);
  std::vector<fs::file_time_type> times;
  for (const fs::path& f : files) times.push_back(fs::last_write_time(f));

  const Ended second = run_smoke(folder, "r", {});
  CHECK(second.code == 0);
  CHECK(second.out == first.out);
  CHECK_THAT(second.err,
             !ContainsSubstring("[") && ContainsSubstring("Nothing to run: 4 trials, all with results."));

  CHECK(run_smoke(folder, "r", {"sweep.seeds=3"}).code == 0);
  CHECK(trials(folder / "r").size() == 6);
  for (std::size_t i = 0; i < files.size(); ++i) CHECK(fs::last_write_time(files[i]) == times[i]);
  CHECK(heed::results::read_results(folder / "r/results.h5").trial.size() == 6);
  // The plan says what belongs to the sweep.
  CHECK(run_smoke(folder, "r", {}).code == 0);
  CHECK(heed::results::read_results(folder / "r/results.h5").trial.size() == 4);
}

TEST_CASE("heed run: progress in a pipe is plain lines, and only results go to standard output") {
  const TempFolder folder;
  const Ended ended = run_smoke(folder, "r", {});
  CHECK(ended.err.find('\r') == std::string::npos);
  CHECK(ended.err.find('\033') == std::string::npos);
  CHECK(ended.out.find("[1/4]") == std::string::npos);
}

TEST_CASE("heed run: a trial that diverges is recorded, and the sweep goes on") {
  const TempFolder folder;
  const Ended ended = run_smoke(folder, "r", {"train.lr=[0.01, 1e30]", "train.clip=0", "sweep.seeds=1"});
  CHECK(ended.code == 1);
  const heed::results::Results results = heed::results::read_results(folder / "r/results.h5");
  CHECK(results.texts("status") == Words{"done", "done", "diverged", "diverged"});
  CHECK_THAT(results.texts("reason")[2], ContainsSubstring("not finite"));
  CHECK_THAT(ended.out, ContainsSubstring("2 of 4 trials are incomplete"));
  CHECK_THAT(ended.err, ContainsSubstring("diverged after"));

  const Ended status = heed::test::heed(folder.path(), {"status", "r"});
  CHECK(status.code == 1);
  CHECK_THAT(status.out, ContainsSubstring("0 pending, 0 running, 2 done, 2 diverged, 0 failed, 0 killed") &&
                             ContainsSubstring("lr=1e+30 seed=0: diverged after"));
}

TEST_CASE("heed run: a worker that is killed is recorded with its signal, and can be tried again") {
  const TempFolder folder;
  Words words = long_run();
  Program program(folder.path(), words);
  kill(worker_of(program), SIGKILL);
  const Ended ended = program.wait();
  CHECK(ended.code == 1);
  CHECK_THAT(ended.err,
             ContainsSubstring("softmax seed=0: killed after") && ContainsSubstring("signal 9 (SIGKILL)"));
  REQUIRE(trials(folder / "r").size() == 1);
  const heed::results::Record record = heed::results::read_trial(trials(folder / "r")[0]);
  CHECK(record.status == Status::killed);
  CHECK_THAT(record.reason, ContainsSubstring("signal 9 (SIGKILL)"));

  SECTION("not by itself") {
    const Ended again = heed::test::heed(folder.path(), words);
    CHECK(again.code == 1);
    CHECK_THAT(again.err, ContainsSubstring("Nothing to run"));
  }
  SECTION("but with --retry-failed") {
    words.push_back("--retry-failed");
    Program retry(folder.path(), words);
    kill(worker_of(retry), SIGSEGV);
    CHECK(retry.wait().code == 1);
    CHECK(heed::results::read_trial(trials(folder / "r")[0]).status == Status::failed);
  }
}

TEST_CASE("heed run: a damaged checkpoint is rejected with the reason") {
  const TempFolder folder;
  Words words = long_run({"train.checkpoint=10ms"});
  Program program(folder.path(), words);
  const fs::path checkpoints = folder / "r/checkpoints";
  const auto saved = [&] {
    return fs::exists(checkpoints) ? std::distance(fs::directory_iterator(checkpoints), {}) : 0;
  };
  REQUIRE(eventually([&] { return saved() >= 2; }));
  program.signal(SIGTERM);
  REQUIRE(program.wait().code == 75);
  // Their labels, which have the step, stay as they were.
  for (const auto& checkpoint : fs::directory_iterator(checkpoints)) {
    std::string bytes = read_file(checkpoint.path());
    bytes.at(100) ^= 4;
    std::ofstream(checkpoint.path(), std::ios::binary) << bytes;
  }
  words.emplace_back("limits.time=2s");
  const Ended ended = heed::test::heed(folder.path(), words);
  CHECK_THAT(ended.err, ContainsSubstring("softmax seed=0: The checkpoint ") &&
                            ContainsSubstring(".0 is not used: it is damaged.") &&
                            ContainsSubstring(".1 is not used: it is damaged.") &&
                            !ContainsSubstring("continues after"));
}

TEST_CASE("heed run: a killed merge is reported, and the same command again repairs it") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {}).code == 0);
  fs::remove(folder / "r/results.h5");
  Program program(folder.path(), {"run", smoke(), "-o", "r"});
  REQUIRE(eventually([&] {
    const std::vector<pid_t> children = program.children();
    return !children.empty() && kill(children[0], SIGKILL) == 0;
  }));
  const Ended ended = program.wait();
  CHECK(ended.code == 74);
  CHECK_THAT(ended.err,
             ContainsSubstring("r/results.h5: the process that writes it was ended by signal 9 (SIGKILL)") &&
                 ContainsSubstring("`heed merge r` tries again"));
  CHECK(run_smoke(folder, "r", {}).code == 0);
}

TEST_CASE("heed run: what killed processes left is gone after the next run") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {"sweep.seeds=1"}).code == 0);
  std::array<char, 256> host{};
  REQUIRE(gethostname(host.data(), host.size() - 1) == 0);
  const std::string mark = std::string(".tmp.") + host.data() + ".99999999";
  const std::string id = trials(folder / "r")[0].stem().string();
  const Words left = {"results.h5" + mark,
                      "plan.tsv" + mark,
                      "trials/" + id + ".h5" + mark,
                      "logs/" + id + ".yaml" + mark,
                      "checkpoints/" + id + ".0" + mark,
                      "rungs/0123456789abcdef/" + id + ".tsv" + mark,
                      "checkpoints/" + id + ".0",
                      "checkpoints/" + id + ".1"};
  fs::create_directories(folder / "r/rungs/0123456789abcdef");
  for (const std::string& name : left) write_file(folder / "r" / name, "torn");
  const fs::path own = folder / "r/x.tmp.2024.01";  // a user's
  write_file(own, "mine");
  fs::last_write_time(own, fs::file_time_type::clock::now() - std::chrono::hours(2));
  SECTION("of the sweep") { CHECK(run_smoke(folder, "r", {"sweep.seeds=1"}).code == 0); }
  SECTION("of the merge") { CHECK(heed::test::heed(folder.path(), {"merge", "r"}).code == 0); }
  for (const std::string& name : left) {
    INFO(name);
    CHECK_FALSE(fs::exists(folder / "r" / name));
  }
  CHECK(fs::exists(own));
}

TEST_CASE("heed run: a user's own sweep.yaml is not overwritten") {
  const TempFolder folder;
  const std::string text = "# a comment\n" + read_file(smoke());
  write_file(folder / "sweep.yaml", text);
  for (const Words& words : {Words{"run", "sweep.yaml", "sweep.seeds=1", "-o", "."},
                             Words{"run", smoke(), "sweep.seeds=1", "-o", "."}}) {
    const Ended refused = heed::test::heed(folder.path(), words);
    CHECK(refused.code == 64);
    CHECK_THAT(refused.err, ContainsSubstring("./sweep.yaml: this is no file of heed") &&
                                ContainsSubstring("Choose another run directory with -o DIR"));
    CHECK(read_file(folder / "sweep.yaml") == text);
    CHECK_FALSE(fs::exists(folder / "trials"));
  }
  // As it is it serves as a run directory's own; and what heed has written is run again where it lies.
  CHECK(heed::test::heed(folder.path(), {"run", "sweep.yaml", "-o", "."}).code == 0);
  CHECK(read_file(folder / "sweep.yaml") == text);
  for (const Words& words : {Words{"run", "sweep.yaml", "sweep.seeds=1", "-o", "."},
                             Words{"run", smoke(), "sweep.seeds=1", "-o", "."}}) {
    const Ended refused = heed::test::heed(folder.path(), words);
    CHECK(refused.code == 64);
    CHECK_THAT(refused.err, ContainsSubstring("./sweep.yaml: ") && ContainsSubstring("-o DIR"));
    CHECK(read_file(folder / "sweep.yaml") == text);
  }
  CHECK(run_smoke(folder, "r", {"sweep.seeds=1"}).code == 0);
  CHECK(heed::test::heed(folder.path(), {"run", "r/sweep.yaml", "-o", "r"}).code == 0);
  CHECK(heed::test::heed(folder.path(), {"run", "r/sweep.yaml", "sweep.seeds=2", "-o", "r"}).code == 0);
  CHECK(trials(folder / "r").size() == 4);
}

TEST_CASE("heed run: a user's own results.h5 and job.sh are not overwritten") {
  for (const char* name : {"results.h5", "report.html", "job.sh"}) {
    const TempFolder folder;
    heed::test::write_file(folder / name, "of the user");
    const Ended refused = heed::test::heed(folder.path(), {"run", smoke(), "sweep.seeds=1", "-o", "."});
    CHECK(refused.code == 64);
    CHECK_THAT(refused.err, ContainsSubstring(std::string("./") + name + ": this is no file of heed"));
    CHECK(heed::test::read_file(folder / name) == "of the user");
    CHECK_FALSE(fs::exists(folder / "trials"));
  }
}

TEST_CASE("heed run: an empty argument is not a folder") {
  const TempFolder folder;
  for (const Words& words : {Words{"run", smoke(), "-o", ""}, Words{"submit", smoke(), "--print", "-o", ""},
                             Words{"plan", smoke(), "--output="}}) {
    const Ended ended = heed::test::heed(folder.path(), words);
    CHECK(ended.code == 2);
    CHECK_THAT(ended.err, ContainsSubstring("output"));
  }
  for (const char* verb : {"status", "merge", "report", "compare", "verify"})
    CHECK(heed::test::heed(folder.path(), {verb, ""}).code == 2);
  CHECK_FALSE(fs::exists(folder / "plan.tsv"));
}

TEST_CASE("heed run: as many trials run side by side as the hard limit of open files allows") {
  const TempFolder folder;
  const Ended ended = heed::test::shell(
      folder.path(), "ulimit -Sn 14; \"$heed\" run " + smoke() + " -o r -j 4 train.steps=500");
  INFO(ended.err);
  CHECK(ended.code == 0);
}

TEST_CASE("heed run: two supervisors share one run directory, and each trial runs once") {
  const TempFolder folder;
  const Words words = {"run", smoke(), "-o", "r", "-j", "1", "sweep.seeds=4", "train.steps=200"};
  Program one(folder.path(), words), two(folder.path(), words);
  const Ended first = one.wait(), second = two.wait();
  CHECK(first.code == 0);
  CHECK(second.code == 0);
  CHECK(trials(folder / "r").size() == 8);
  const auto lines = [](const std::string& text) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find("done in", at)) != std::string::npos; ++at) ++n;
    return n;
  };
  CHECK(lines(first.err) + lines(second.err) == 8);
}

TEST_CASE("heed run: status adds up at any instant, and no trial goes back") {
  const TempFolder folder;
  Program sweep(folder.path(), {"run", smoke(), "-o", "r", "-j", "2", "sweep.seeds=3", "train.steps=100"});
  REQUIRE(eventually([&] { return fs::exists(folder / "r/plan.tsv"); }));
  std::size_t looks = 0, before_pending = 6, before_done = 0, seen_running = 0;
  for (bool last = false; !last; ++looks) {
    last = sweep.ended();
    const Ended status = heed::test::heed(folder.path(), {"status", "r"});
    std::size_t pending = 0, running = 0, done = 0, other[3] = {};
    REQUIRE(std::sscanf(status.out.c_str(),
                        "%zu pending, %zu running, %zu done, %zu diverged, %zu failed, %zu killed", &pending,
                        &running, &done, &other[0], &other[1], &other[2]) == 6);
    REQUIRE(pending + running + done == 6);
    REQUIRE(other[0] + other[1] + other[2] == 0);
    REQUIRE(running <= 2);
    REQUIRE(pending <= before_pending);
    REQUIRE(done >= before_done);
    before_pending = pending, before_done = done, seen_running += running > 0;
  }
  CHECK(before_done == 6);
  CHECK(looks > 5);
  CHECK(seen_running > 0);
  CHECK(sweep.wait().code == 0);
}
