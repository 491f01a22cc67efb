// Kills at random instants: of a whole sweep, of only its supervisor, of only a worker, and of some of four
// supervisors that share one run directory.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tests/catch.h"
#include "tests/faults/six_trials.h"

namespace {

using namespace heed::test;

// Every process of a sweep carries it, the workers too.
constexpr const char* kMark = "HEED_TEST_SWEEP";

int sample(int few, int all) { return long_form() ? all : few; }

class Kills {
 public:
  SixTrials sweep;
  long kills = 0;

  explicit Kills(unsigned seed) : draw_(seed) { INFO("seed " << seed); }

  // Somewhere between the start of a sweep and its end.
  void wait_a_while(double longest = 1) {
    const double seconds = std::uniform_real_distribution<>(0, longest * sweep.seconds())(draw_);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  }
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(draw_); }

  std::string mark() const { return sweep.directory("r"); }
  std::vector<pid_t> processes() const { return processes_with(kMark, mark()); }
  void check_no_orphan(const std::string& where) {
    if (!eventually([&] { return processes().empty(); }, 2))
      sweep.problem(where, "a worker is left after 2 s");
    for (pid_t pid : processes()) kill(pid, SIGKILL);
  }

  // What was finished is whole, and the same command ends like an undisturbed run.
  void check_and_resume(bool may_fail) {
    const Files before = sweep.finished("r", may_fail);
    sweep.resume("r", 2, before, may_fail);
    sweep.remove("r");
  }
  void report(const char* what) const {
    fmt::print("{}: {} kills, {} finished trials checked, {} problems\n", what, kills, sweep.checked(),
               sweep.problems().size());
    std::fflush(stdout);
  }

 private:
  std::mt19937 draw_;
};

}  // namespace

TEST_CASE("kill: a sweep that is killed as a whole loses nothing") {
  Kills test(1);
  const int wanted = sample(10, 200);
  for (int i = 0; test.kills < wanted && i < 5 * wanted; ++i) {
    {
      const Environment mark(kMark, test.mark());
      Program program(test.sweep.folder().path(), SixTrials::words("r", 1 + i % 2));
      test.wait_a_while();
      for (pid_t pid : test.processes()) kill(pid, SIGKILL);
      test.kills += wait_for(program).code == 137;
    }
    test.check_no_orphan(fmt::format("kill {}", i));
    test.check_and_resume(false);
  }
  test.report("whole sweep");
  CHECK(test.sweep.problems() == Words{});
  CHECK(test.kills >= wanted);
}

TEST_CASE("kill: a supervisor that is killed takes its workers with it") {
  Kills test(2);
  const int rounds = sample(5, 100);
  for (int i = 0; i < rounds; ++i) {
    {
      const Environment mark(kMark, test.mark());
      Program program(test.sweep.folder().path(), SixTrials::words("r", 2));
      test.wait_a_while();
      program.signal(SIGKILL);
      test.kills += wait_for(program).code == 137;
    }
    test.check_no_orphan(fmt::format("kill {}", i));
    test.check_and_resume(false);
  }
  test.report("only the supervisor");
  CHECK(test.sweep.problems() == Words{});
}

TEST_CASE("kill: a killed worker spoils only its own trial, or the merge") {
  Kills test(3);
  const int rounds = sample(5, 100);
  for (int i = 0; i < rounds; ++i) {
    Program program(test.sweep.folder().path(), SixTrials::words("r", 2));
    test.wait_a_while(0.9);
    const std::vector<pid_t> workers = program.children();
    if (!workers.empty()) test.kills += kill(workers[test.below(workers.size())], SIGKILL) == 0;
    const Ended ended = wait_for(program);
    const std::size_t killed = count_of(ended.err, ": killed after");
    const bool merging = ended.err.find("was ended by signal 9 (SIGKILL)") != std::string::npos;
    if (ended.code != (merging ? 74 : killed > 0 ? 1 : 0) || killed + merging > 1)
      test.sweep.problem(fmt::format("kill {}", i), fmt::format("{} {}", ended.code, ended.err));
    const Files before = test.sweep.finished("r", true);
    if (before.size() != 6 - killed)
      test.sweep.problem(fmt::format("kill {}", i), fmt::format("{} trials are finished", before.size()));
    test.sweep.resume("r", 2, before, true);
    test.sweep.remove("r");
  }
  test.report("only a worker");
  CHECK(test.sweep.problems() == Words{});
}

TEST_CASE("kill: four supervisors share a run directory while some are killed") {
  Kills test(4);
  const int rounds = sample(6, 60);
  for (int i = 0; i < rounds; ++i) {
    const std::size_t victims = static_cast<std::size_t>(i) % 5;  // 0: all live, 4: all die
    std::size_t recorded = 0, living = 0;
    {
      const Environment mark(kMark, test.mark());
      std::vector<std::unique_ptr<Program>> programs;
      for (int p = 0; p < 4; ++p)
        programs.push_back(
            std::make_unique<Program>(test.sweep.folder().path(), SixTrials::words("r", 1 + p % 2)));
      for (std::size_t v = 0; v < victims; ++v) {
        test.wait_a_while(0.5);
        programs[v]->signal(SIGKILL);
      }
      for (auto& program : programs) {
        const Ended ended = wait_for(*program);
        test.kills += ended.code == 137;
        living += ended.code == 0;
        recorded += count_of(ended.err, ": done in");
        if (ended.code != 0 && ended.code != 137)
          test.sweep.problem(fmt::format("round {}", i), fmt::format("{} {}", ended.code, ended.err));
      }
    }
    if (recorded > 6 || (victims == 0 && recorded != 6))
      test.sweep.problem(fmt::format("round {}", i), fmt::format("{} trials were recorded", recorded));
    test.check_no_orphan(fmt::format("round {}", i));
    if (living > 0) test.sweep.check_results("r");
    const Files before = test.sweep.finished("r", false);
    if (living > 0 && before.size() != 6)
      test.sweep.problem(fmt::format("round {}", i), fmt::format("{} trials are finished", before.size()));
    test.sweep.resume("r", 2, before, false);
    test.sweep.remove("r");
  }
  test.report("four supervisors");
  CHECK(test.sweep.problems() == Words{});
}
