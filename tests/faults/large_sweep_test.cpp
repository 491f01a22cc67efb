// A run directory of ten thousand trials: how long looking at it takes, and starting again.
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "results/merge.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/faults/six_trials.h"

namespace {

using namespace heed::test;
namespace fs = std::filesystem;

constexpr const char* kSweep = R"(name: large
variants: [softmax, linear]
task: {name: mqar, length: 8, pairs: 2, vocab: 16}
model: {layers: 1, heads: 1, dim: 8}
train: {steps: 1, warmup: 0, batch: 4, lr: 0.01, evaluate_sequences: 8, test_sequences: 8}
sweep: {seeds: 1}
)";

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Measured {
  Ended ended;
  double seconds, megabytes;
};

// The largest memory that a process has had so far.
double megabytes_of(pid_t pid) {
  const std::string status = read_file("/proc/" + std::to_string(pid) + "/status");
  const std::size_t at = status.find("VmHWM:");
  return at == std::string::npos ? 0 : std::stod(status.substr(at + 6)) / 1024;
}

// Until the program ends, or `reached` holds, after which it is killed.
template <class Reached>
Measured measure(const fs::path& folder, const Words& words, Reached&& reached) {
  const double begin = now();
  Program program(folder, words);
  Measured m{};
  for (bool over = false; !over && now() < begin + 3000;) {
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(program.pid()), &info, WEXITED | WNOHANG | WNOWAIT);
    m.megabytes = std::max(m.megabytes, megabytes_of(program.pid()));
    over = info.si_pid != 0 || reached();
    m.seconds = now() - begin;
    heed::test::pause();
  }
  program.signal(SIGKILL);
  m.ended = program.wait();
  return m;
}

void report(const char* what, const Measured& m) {
  fmt::print("{}: {:.2f} s, {:.0f} MB\n", what, m.seconds, m.megabytes);
  std::fflush(stdout);
}

// The ids of a run directory's plan.
Words ids(const fs::path& plan) {
  Words found;
  std::istringstream in(read_file(plan));
  for (std::string line; std::getline(in, line);)
    if (const std::string id = line.substr(0, line.find('\t')); heed::results::is_id(id)) found.push_back(id);
  return found;
}

}  // namespace

TEST_CASE(
    "large sweep: status and the start of a resume are quick in a run directory of ten thousand trials") {
  const TempFolder folder;
  const int seeds = long_form() ? 5000 : 50;
  const auto never = [] { return false; };
  write_file(folder / "large.yaml", kSweep);
  const Words run = {"run", "large.yaml", "-o", "r", "-j", "1", fmt::format("sweep.seeds={}", seeds)};

  // One trial is trained; the others' files are made from its own.
  measure(folder.path(), run, [&] {
    const fs::path trials = folder / "r/trials";
    return fs::exists(trials) && !heed::results::trial_files(trials).empty();
  });
  const Words all = ids(folder / "r/plan.tsv");
  REQUIRE(all.size() == 2 * static_cast<std::size_t>(seeds));
  heed::results::Record record = heed::results::read_trial(folder / ("r/trials/" + all[0] + ".h5"));
  const double begin = now();
  for (std::size_t i = 1; i < all.size(); ++i) {
    record.id = all[i];
    record.plan_index = static_cast<std::int64_t>(i);
    heed::results::write_trial(record, folder / ("r/trials/" + all[i] + ".h5"));
  }
  fmt::print("{} trials, written in {:.1f} s\n", all.size(), now() - begin);

  const Measured status = measure(folder.path(), {"status", "r"}, never);
  report("status", status);
  CHECK_THAT(status.ended.out, ContainsSubstring(fmt::format("0 pending, 0 running, {} done", all.size())));
  CHECK(status.seconds < 5);
  CHECK(status.megabytes < 200);

  const Measured merge = measure(folder.path(), {"merge", "r"}, never);
  report("the first merge", merge);
  CHECK(merge.ended.code == 0);
  const Measured nothing = measure(folder.path(), run, never);
  report("run with nothing to do, until its table is printed", nothing);
  CHECK(nothing.ended.code == 0);
  CHECK_THAT(nothing.ended.err, ContainsSubstring("Nothing to run"));

  fs::remove(folder / ("r/trials/" + all.back() + ".h5"));
  const fs::path log = folder / ("r/logs/" + all.back() + ".log");
  const Measured resumed = measure(folder.path(), run, [&] { return fs::exists(log); });
  report("run with one pending trial, until that starts", resumed);
  CHECK(resumed.seconds < 5);
  CHECK(resumed.megabytes < 200);
}
