// Sweeps with a rule (sweep.stop) that are disturbed: nothing is lost, stopped trials stay stopped, decisions
// stay and follow from what is recorded, and `--complete` ends like a sweep without a rule.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "experiments/run/rungs.h"
#include "results/atomic_file.h"
#include "results/comparison.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/faults/six_trials.h"

namespace {

using namespace heed::test;
using heed::results::Status;
namespace fs = std::filesystem;

// Every process of a sweep has it, the workers too.
constexpr const char* kMark = "HEED_TEST_SWEEP";

constexpr const char* kTwelve = R"(name: twelve
variants: [softmax, linear]
task: {name: mqar, length: 8, pairs: 2, vocab: 16}
model: {layers: 1, heads: 1, dim: 8}
train: {steps: 12, batch: 4, evaluate_every: 2, evaluate_sequences: 8, test_sequences: 8, checkpoint: 2ms}
sweep: {seeds: 2, parameters: {train.lr: [0.03, 0.003, 0.00001]}}
compare: {select: train.lr}
)";

// Trials that take a second each.
std::string sixty() {
  return fmt::format(R"(name: sixty
variants: [softmax, linear]
task: {{name: induction, length: 24, vocab: 16, score: all}}
model: {{layers: 2, heads: 2, dim: 32, positions: rope}}
train: {{steps: {}, batch: 32, warmup: 10, evaluate_every: 10}}
sweep:
  seeds: {}
  parameters: {{train.lr: [0.004, 0.0001, 0.001, 0.00003, {}0.008]}}
compare: {{select: train.lr}}
)",
                     long_form() ? 150 : 40, long_form() ? 3 : 1,
                     long_form() ? "0.0003, 0.002, 0.00001, 0.016, 0.0006, " : "");
}

// A sweep file, the results of all its trials without a rule, and runs with one that a test disturbs.
class Ruled {
 public:
  Ruled(const std::string& text, heed::StopRule rule) : rule_(std::move(rule)) {
    write_file(folder_ / "s.yaml", text);
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(run("plain", 2, false).code == 0);
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    for (const auto& e : fs::directory_iterator(folder_ / "plain/trials")) ids_.push_back(e.path().stem());
  }

  const TempFolder& folder() const { return folder_; }
  fs::path directory() const { return folder_ / "r"; }
  double seconds() const { return seconds_; }  // of the sweep without a rule
  std::size_t trials() const { return ids_.size(); }
  const Words& problems() const { return problems_; }
  std::size_t stops() const { return stops_; }  // in all runs that were checked

  Words words(const std::string& out, int jobs, bool ruled) const {
    Words all = {"run", "s.yaml", "-o", out, "-j", fmt::format("{}", jobs)};
    if (ruled) all.push_back("sweep.stop=" + heed::rule_text(rule_));
    return all;
  }
  Ended run(const std::string& out, int jobs, bool ruled, const Words& more = {}) const {
    Words all = words(out, jobs, ruled);
    all.insert(all.end(), more.begin(), more.end());
    Program program(folder_.path(), all);
    return wait_for(program, 600);
  }

  // Checks what a disturbed run has left, lets the same command go on, and checks the end.
  void check_and_resume(const std::string& where, int jobs, bool may_fail) {
    const std::size_t before = problems_.size();
    const Files ended = look(may_fail);
    const auto decided = decisions();
    const Ended resumed = run("r", jobs, true, may_fail ? Words{"--retry-failed"} : Words{});
    if (resumed.code != 0) problem(fmt::format("exit code {}: {}", resumed.code, resumed.err));
    if (look(false).size() != trials()) problem("a trial has no result");
    for (const auto& [id, bytes] : ended)
      if (heed::results::read_file(trial(id)) != bytes) problem(id + " was written again");
    const auto now = decisions();
    for (const auto& [at, decision] : decided)
      if (!now.contains(at) || now.at(at) != decision) problem(at + " has another decision");
    stops_ += check_decisions().stops;
    check_leftovers();
    if (const Ended all = run("r", jobs, true, {"--complete"}); all.code != 0)
      problem(fmt::format("--complete ends with exit code {}: {}", all.code, all.err));
    if (heed::results::content_digest(directory() / "results.h5") !=
        heed::results::content_digest(folder_ / "plain/results.h5"))
      problem("completed trials differ from uninterrupted ones");
    if (problems_.size() > before) fmt::print("  ^ {}\n", where);
    fs::remove_all(directory());
  }

  // The decisions that are recorded, each checked: it follows from the results that its line names.
  struct Decided {
    std::size_t decisions = 0, stops = 0;
  };
  Decided check_decisions() {
    Decided count;
    for (const fs::path& file : rung_files()) {
      bool stops = false;
      for (const heed::Rung& rung : heed::read_rungs(file)) {
        if (!rung.decision) continue;  // its process was killed, or could not write it
        const heed::Decision again = heed::decide(rule_, rung.result, seen(file.parent_path(), rung));
        if (again.stop != rung.decision->stop || again.reason != rung.decision->reason)
          problem(
              fmt::format("{}: '{}' is now '{}'", file.stem().string(), rung.decision->reason, again.reason));
        ++count.decisions, stops |= again.stop;
      }
      if (stops != (outcome(file.stem()) == Status::stopped))
        problem(file.stem().string() + ": its end is not what its decisions say");
      count.stops += stops;
    }
    return count;
  }

  std::size_t stopped() const {
    std::size_t n = 0;
    for (const std::string& id : ids_) n += outcome(id) == Status::stopped;
    return n;
  }
  // Training steps of all trials in a run directory.
  double steps(const std::string& out) const {
    double sum = 0;
    for (const std::string& id : ids_)
      sum += static_cast<double>(
          heed::results::read_trial_summary(folder_ / out / "trials" / (id + ".h5")).last_step);
    return sum;
  }

  void problem(const std::string& what) {
    problems_.push_back(what);
    fmt::print("  {}\n", what);
    std::fflush(stdout);
  }

 private:
  fs::path trial(const std::string& id) const { return directory() / "trials" / (id + ".h5"); }
  Status outcome(const std::string& id) const { return heed::results::read_outcome(trial(id)).status; }

  // Returns the files of trials that are done or stopped. Those that are done must equal the ones of the
  // sweep without a rule.
  Files look(bool may_fail) {
    Files files;
    for (const std::string& id : ids_) {
      if (!fs::exists(trial(id))) continue;
      const Status how = outcome(id);
      if (how == Status::done) {
        const fs::path expected = folder_ / "plain/trials" / (id + ".h5");
        if (const Words different = heed::results::compare_results(expected, trial(id)); !different.empty())
          problem(fmt::format("{} differs in {}", id, fmt::join(different, ", ")));
      } else if (how != Status::stopped) {
        if (!may_fail) problem(id + " is recorded as " + heed::results::to_string(how));
        continue;
      }
      files[id] = heed::results::read_file(trial(id));
    }
    return files;
  }

  std::vector<fs::path> rung_files() const {
    std::vector<fs::path> files;
    if (fs::exists(directory() / "rungs"))
      for (const auto& e : fs::recursive_directory_iterator(directory() / "rungs"))
        if (e.path().extension() == ".tsv") files.push_back(e.path());
    return files;
  }

  std::vector<heed::RungResult> seen(const fs::path& contest, const heed::Rung& rung) {
    std::vector<heed::RungResult> others;
    for (const std::string& id : rung.seen)
      for (const heed::Rung& other : heed::read_rungs(contest / (id + ".tsv")))
        if (other.step == rung.step) others.push_back(other.result);
    if (others.size() != rung.seen.size()) problem("a result that a decision names is gone");
    return others;
  }

  // By trial and step: the decision and the trials that it saw.
  std::map<std::string, std::string> decisions() const {
    std::map<std::string, std::string> out;
    for (const fs::path& file : rung_files())
      for (const heed::Rung& r : heed::read_rungs(file))
        if (r.decision)
          out[fmt::format("{} at {}", file.stem().string(), r.step)] =
              fmt::format("{} {} {}", r.decision->stop, r.decision->reason, fmt::join(r.seen, ","));
    return out;
  }

  // Temporary files, and checkpoints of trials that have nothing to continue.
  void check_leftovers() {
    for (const auto& e : fs::recursive_directory_iterator(directory())) {
      const fs::path& path = e.path();
      const bool checkpoint = path.parent_path().filename() == "checkpoints";
      if (path.string().find(".tmp.") != std::string::npos ||
          (checkpoint && outcome(path.stem()) != Status::stopped))
        problem("leaves " + path.string());
    }
  }

  TempFolder folder_;
  heed::StopRule rule_;
  double seconds_ = 0;
  std::vector<std::string> ids_;
  std::size_t stops_ = 0;
  Words problems_;
};

heed::StopRule halving(heed::Index after) {
  return {.rule = "halving", .factor = 2, .after = after, .wait = false};
}

struct Kind {
  const char* name;
  Fault fault;
};

}  // namespace

TEST_CASE("rule: a fault at any system call loses nothing, and decisions stay") {
  Ruled sweep(kTwelve, halving(4));
  long points = 0;
  for (const Kind& kind : {Kind{"killed, all", Fault::kill_all},
                           {"killed, one process", Fault::kill_one},
                           {"full disk, once", Fault::full_disk},
                           {"failing device, once", Fault::broken_device}}) {
    const auto with_fault = [&](long k, int jobs) {
      const Faults faults(sweep.folder(), sweep.directory(), kind.fault, false, k);
      const Ended ended = sweep.run("r", jobs, true);
      if (ended.code == kHangs) sweep.problem("hangs");
      if (kind.fault == Fault::kill_all && faults.plan().fired > 0 && ended.code != 137)
        sweep.problem("a killed sweep goes on");
      return std::pair(faults.plan().calls.load(), faults.plan().fired > 0);
    };
    const long all = with_fault(0, 2).first, wanted = long_form() ? 60 : 3;
    fs::remove_all(sweep.directory());
    for (long i = 0; i < wanted; ++i) {
      const long k = 1 + (2 * i + 1) * all / (2 * wanted);
      const int jobs = 1 + static_cast<int>(i % 2);
      points += with_fault(k, jobs).second;
      sweep.check_and_resume(fmt::format("{} at call {}, -j {}", kind.name, k, jobs), jobs,
                             kind.fault == Fault::kill_one);
    }
  }
  fmt::print("rule: {} fault points, {} stops, {} problems\n", points, sweep.stops(),
             sweep.problems().size());
  CHECK(points > 0);
  CHECK(sweep.stops() > 0);
  CHECK(sweep.problems() == Words{});
}

// With one worker at a time, the first seed has decided before the second one begins.
TEST_CASE("rule: a trial that was stopped before it began, and cannot be recorded, has not failed") {
  Ruled sweep(kTwelve, halving(4));
  const fs::path first = sweep.folder() / "first";
  REQUIRE(sweep.run("first", 1, true, {"sweep.seeds=1"}).code == 0);
  const auto with_fault = [&](long k) {
    fs::copy(first, sweep.directory(), fs::copy_options::recursive);
    const Faults faults(sweep.folder(), sweep.directory(), Fault::full_disk, false, k);
    const int code = sweep.run("r", 1, true).code;
    if (code != 0 && code != 74) sweep.problem(fmt::format("exit code {} at call {}", code, k));
    return faults.plan().calls.load();
  };
  const long all = with_fault(0), points = long_form() ? all : 12;
  fs::remove_all(sweep.directory());
  for (long i = 0; i < points; ++i) {
    const long k = 1 + i * all / points;
    with_fault(k);
    sweep.check_and_resume(fmt::format("full disk at call {}", k), 1, false);
  }
  CHECK(sweep.problems() == Words{});
}

TEST_CASE("rule: a sweep that is killed at any instant loses nothing, and decisions stay") {
  Ruled sweep(kTwelve, halving(4));
  std::mt19937 draw(1);
  std::uniform_real_distribution<> instant(0, 0.7 * sweep.seconds());
  long kills = 0;
  const int wanted = long_form() ? 100 : 4;
  for (int i = 0; kills < wanted && i < 5 * wanted; ++i) {
    const int jobs = 1 + i % 2;
    {
      const Environment mark(kMark, sweep.directory());
      Program program(sweep.folder().path(), sweep.words("r", jobs, true));
      std::this_thread::sleep_for(std::chrono::duration<double>(instant(draw)));
      for (pid_t pid : processes_with(kMark, sweep.directory())) kill(pid, SIGKILL);
      kills += wait_for(program).code == 137;
    }
    eventually([&] { return processes_with(kMark, sweep.directory()).empty(); }, 2);
    sweep.check_and_resume(fmt::format("kill {}", i), jobs, false);
  }
  fmt::print("rule: {} kills, {} stops, {} problems\n", kills, sweep.stops(), sweep.problems().size());
  CHECK(kills >= wanted);
  CHECK(sweep.stops() > 0);
  CHECK(sweep.problems() == Words{});
}

TEST_CASE(
    "rule: decisions about real trials follow from the records, and stopped ones continue to equal bits") {
  Ruled sweep(sixty(), halving(10));
  for (const int jobs : {1, 2}) {
    REQUIRE(sweep.run("r", jobs, true).code == 0);
    const Ruled::Decided decided = sweep.check_decisions();
    fmt::print("rule, -j {}: {} trials, {} stopped; {} decisions, {} of them stops; {:.0f} of {:.0f} steps\n",
               jobs, sweep.trials(), sweep.stopped(), decided.decisions, decided.stops, sweep.steps("r"),
               sweep.steps("plain"));
    CHECK(decided.stops > 0);
    CHECK(sweep.stopped() >= decided.stops);
    sweep.check_and_resume(fmt::format("-j {}", jobs), 2, false);
  }
  CHECK(sweep.problems() == Words{});
}
