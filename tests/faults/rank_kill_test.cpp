// Kills, at random instants, of one process of a trial on two ranks: a rank, mpirun, the launcher or the
// supervisor.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "experiments/ranks/mpi_ranks.h"
#include "results/comparison.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/faults/six_trials.h"

using namespace heed::test;

namespace {

namespace fs = std::filesystem;

constexpr const char* kMark = "HEED_TEST_RANKS";  // every process of the sweep carries it

Words words(const std::string& out) {
  return {"run",
          smoke(),
          "-o",
          out,
          "-j",
          "2",
          "variants=[softmax]",
          "sweep.seeds=1",
          "train.context_parallel=2",
          "train.steps=40",
          "train.warmup=2",
          "train.checkpoint=20ms",
          "save=[weights]",
          "--plugin",
          (build_dir() / "plugins/bad_rank.so").string(),
          "train.optimizer={bad_rank: {sleep: 10}}"};
}

struct Processes {
  pid_t supervisor = 0, launcher = 0, mpirun = 0;
  std::vector<pid_t> ranks;
};

std::string environment_of(pid_t pid) { return read_file("/proc/" + std::to_string(pid) + "/environ"); }

class Kills {
 public:
  Kills() {
    const auto begin = std::chrono::steady_clock::now();
    Program program(folder.path(), words("whole"));
    REQUIRE(wait_for(program).code == 0);
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  const TempFolder folder;
  double seconds = 0;  // of an undisturbed run
  Words problems;

  std::string mark() const { return folder.path().string(); }

  // The processes of the running sweep: those that are there.
  Processes processes(const Program& supervisor) const {
    Processes found{supervisor.pid(), 0, 0, {}};
    for (const pid_t pid : processes_with(kMark, mark())) {
      const std::string command = read_file("/proc/" + std::to_string(pid) + "/cmdline");
      if (environment_of(pid).find("PMIX_RANK=") != std::string::npos)
        found.ranks.push_back(pid);
      else if (command.find("mpirun") != std::string::npos)
        found.mpirun = pid;
      else if (pid != supervisor.pid() && command.find("heed\0trial", 0, 10) != std::string::npos)
        found.launcher = pid;
    }
    return found;
  }

  void problem(const std::string& where, const std::string& what) {
    problems.push_back(where + ": " + what);
    fmt::print("  {}\n", problems.back());
    std::fflush(stdout);
  }

  // The same command must end like an undisturbed one.
  void resume(const std::string& where) {
    Words again = words("r");
    again.emplace_back("--retry-failed");
    Program program(folder.path(), again);
    const Ended ended = wait_for(program);
    if (ended.code != 0) problem(where, fmt::format("continued: {} {}", ended.code, ended.err));
    const Words different =
        heed::results::compare_results(folder / "whole/results.h5", folder / "r/results.h5");
    if (!different.empty()) problem(where, fmt::format("differs in {}", fmt::join(different, ", ")));
    for (const auto& entry : fs::recursive_directory_iterator(folder / "r"))
      if (entry.path().string().find(".tmp.") != std::string::npos ||
          entry.path().parent_path().filename() == "checkpoints")
        problem(where, "leaves " + entry.path().string());
    fs::remove_all(folder / "r");
  }
};

}  // namespace

TEST_CASE("rank kill: a killed process ends its trial, leaves none behind, and nothing is lost") {
  if (const std::string why = heed::why_no_ranks(); !why.empty()) {
    fmt::print("Skipped: {}.\n", why);
    return;
  }
  Kills test;
  std::mt19937 draw(7);
  const int rounds = long_form() ? 50 : 8;
  int kills = 0, recorded = 0, continued = 0;
  for (int i = 0; i < rounds; ++i) {
    const std::vector<std::string> kinds = {"rank 0", "rank 1", "mpirun", "launcher", "supervisor"};
    // Mostly ranks.
    const std::string victim =
        kinds[i % 2 == 0 ? static_cast<std::size_t>(i / 2) % 2 : 2 + static_cast<std::size_t>(i / 2) % 3];
    const std::string where = fmt::format("kill {} of {}", i, victim);
    std::string reason;
    {
      const Environment mark(kMark, test.mark());
      Program program(test.folder.path(), words("r"));
      const double wait = std::uniform_real_distribution<>(0.05, test.seconds)(draw);
      std::this_thread::sleep_for(std::chrono::duration<double>(wait));
      const Processes found = test.processes(program);
      pid_t pid = victim == "mpirun" ? found.mpirun : victim == "launcher" ? found.launcher : 0;
      if (victim == "supervisor") pid = found.supervisor;
      for (const pid_t rank : found.ranks)
        if (victim.starts_with("rank") &&
            environment_of(rank).find("PMIX_RANK=" + victim.substr(5)) != std::string::npos)
          pid = rank;
      const bool killed = pid > 0 && !program.ended() && kill(pid, SIGKILL) == 0;
      kills += killed;
      const Ended ended = wait_for(program);
      if (ended.code == kHangs) test.problem(where, "hangs: " + ended.err);
      const std::vector<fs::path> files = trials(test.folder / "r");
      if (files.size() == 1) {
        const heed::results::Record record = heed::results::read_trial_summary(files[0]);
        reason = record.reason;
        if (record.status != heed::results::Status::done) {
          ++recorded;
          if (reason.find("signal 9 (SIGKILL)") == std::string::npos ||
              (victim.starts_with("rank") && !reason.starts_with(victim + ": ")))
            test.problem(where, "is recorded with the reason: " + reason);
        }
      }
      if (!eventually([&] { return processes_with(kMark, test.mark()).empty(); }, 2))
        test.problem(where, "a process is left after 2 s");
      for (const pid_t left : processes_with(kMark, test.mark())) kill(left, SIGKILL);
      continued += fs::exists(test.folder / "r/checkpoints") && !fs::is_empty(test.folder / "r/checkpoints");
    }
    test.resume(where);
  }
  fmt::print("rank kill: {} kills, {} recorded as killed, {} continued from a checkpoint, {} problems\n",
             kills, recorded, continued, test.problems.size());
  CHECK(test.problems == Words{});
  CHECK(kills >= rounds / 2);
  CHECK(recorded > 0);
}
