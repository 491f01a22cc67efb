// The k-th system call of a sweep, or its k-th allocation, fails, for k = 1, 2, 3 ... until a run passes in
// which nothing failed. SQLite's way of testing: supervisor and workers together, each fault once and for
// good.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "tests/catch.h"
#include "tests/faults/six_trials.h"

namespace {

using namespace heed::test;

struct Kind {
  const char* name;
  Fault fault;
  bool for_good;
};

const std::vector<Kind> kKinds = {
    {"full disk, once", Fault::full_disk, false},
    {"killed, all", Fault::kill_all, false},
    {"failing device, once", Fault::broken_device, false},
    {"short write, once", Fault::short_write, false},
    {"full disk for good", Fault::full_disk, true},
    {"killed, one process", Fault::kill_one, false},
    {"failing device for good", Fault::broken_device, true},
    {"short write, then full disk", Fault::short_write, true},
};

bool names_reason(const std::string& text) {
  return text.find("No space left on device") != std::string::npos ||
         text.find("Input/output error") != std::string::npos;
}

// The message names a path below the run directory and the reason, or the log that has it.
bool says_why(const SixTrials& sweep, const std::string& text) {
  const bool in_folder = text.find("r/") != std::string::npos;
  if (!in_folder && text.find("heed: r: ") == std::string::npos) return false;  // the folder itself
  if (names_reason(text)) return true;
  const std::size_t log = text.find("r/logs/");
  if (log == std::string::npos) return false;
  return names_reason(read_file(sweep.folder() / text.substr(log, text.find(".log", log) + 4 - log)));
}

// What the exit code must be, given that something failed.
std::string judge(const SixTrials& sweep, const Kind& kind, const std::string& call, const Ended& ended) {
  const auto one_of = [&](std::vector<int> codes) {
    return std::count(codes.begin(), codes.end(), ended.code) > 0;
  };
  switch (kind.fault) {
    case Fault::kill_all:
      return one_of({137}) ? "" : "lives on";
    case Fault::kill_one:  // the supervisor, a worker, whose trial is recorded as killed, or the one that
                           // merges
      return one_of({0, 1, 137}) ||
                     (ended.code == 74 && ended.err.find("ended by signal 9") != ended.err.npos)
                 ? ""
                 : "wrong exit code";
    case Fault::no_memory:  // HDF5 1.10 does not survive it; what counts is what is left
      return "";
    case Fault::short_write:
      if (!kind.for_good) return ended.code == 0 ? "" : "a short write is no error";
      [[fallthrough]];
    default:
      if (!one_of({0, 74})) return "wrong exit code";
      // The standard library makes folders, and where it cannot look at one it forgets the reason.
      return ended.code == 0 || says_why(sweep, ended.err) || call.starts_with("stat")
                 ? ""
                 : "path or reason is not said";
  }
}

struct Count {
  long points = 0, kills = 0, signals = 0;
  bool over = false;  // nothing failed any more
};

void run_with(SixTrials& sweep, const Kind& kind, long k, int jobs, Count& count) {
  const std::size_t problems = sweep.problems().size();
  const bool kills = kind.fault == Fault::kill_all || kind.fault == Fault::kill_one;
  std::string where, call;
  Ended ended;
  {
    const Faults faults(sweep.folder(), sweep.directory("r"), kind.fault, kind.for_good, k);
    ended = sweep.run("r", jobs);
    count.over = faults.plan().fired == 0;
    call = faults.plan().where;
    where = fmt::format("{} at call {}, -j {}: {}", kind.name, k, jobs, call);
    const auto gone = [&] { return processes_with(kFaultVariable, sweep.folder() / "fault_plan").empty(); };
    if (!eventually(gone, 2)) sweep.problem(where, "a worker is left");
  }
  if (ended.code == kHangs) sweep.problem(where, "hangs");
  if (count.over && ended.code != 0) sweep.problem(where, "fails without a fault: " + ended.err);
  if (!count.over) {
    ++count.points;
    count.kills += kills;
    count.signals += !kills && ended.code > 128;
    if (const std::string wrong = judge(sweep, kind, call, ended); !wrong.empty())
      sweep.problem(where, fmt::format("{}: {} {}", wrong, ended.code, ended.err));
  }
  const bool may_fail = kind.fault == Fault::kill_one || kind.fault == Fault::no_memory;
  if (ended.code == 0) sweep.check_results("r");
  const Files before = sweep.finished("r", may_fail);
  sweep.resume("r", jobs, before, may_fail);
  sweep.remove("r");
  if (sweep.problems().size() > problems) fmt::print("  ^ {}\n", where);
}

void say(const char* what, const SixTrials& sweep, const Count& count) {
  fmt::print(
      "{}: {} fault points, {} of them kills, {} other ends by signal, {} finished trials checked, {} "
      "problems\n",
      what, count.points, count.kills, count.signals, sweep.checked(), sweep.problems().size());
  std::fflush(stdout);
}

// How many calls of a run could fail so.
long calls(SixTrials& sweep, const Kind& kind, int jobs) {
  const Faults faults(sweep.folder(), sweep.directory("r"), kind.fault, kind.for_good, 0);
  if (sweep.run("r", jobs).code != 0) sweep.problem(kind.name, "counting disturbs the run");
  sweep.remove("r");
  return faults.plan().calls;
}

// Fault points spread over a whole run, for each kind others.
void sample(SixTrials& sweep, const Kind& kind, long points, Count& count) {
  const long all = calls(sweep, kind, 2), shift = all / points * (&kind - kKinds.data()) / std::ssize(kKinds);
  for (long i = 0; i < points; ++i)
    run_with(sweep, kind, 1 + shift + i * all / points, 1 + static_cast<int>(i % 2), count);
}

}  // namespace

TEST_CASE("fault sweep: a fault at any system call loses nothing, and the sweep continues to the same bits",
          "[calls]") {
  SixTrials sweep;
  Count count;
  for (const Kind& kind : kKinds) {
    if (!long_form()) {
      sample(sweep, kind, 6, count);
      continue;
    }
    // One worker at a time at odd calls, two at even ones; their runs have different lengths.
    int passed = 0;
    for (long k = 1; passed < 2; ++k) {
      run_with(sweep, kind, k, 2 - static_cast<int>(k % 2), count);
      passed = count.over ? passed + 1 : 0;
    }
    say(kind.name, sweep, count);
  }
  say("system calls", sweep, count);
  CHECK(sweep.problems() == Words{});
}

TEST_CASE("fault sweep: an allocation that fails loses nothing, and the sweep continues to the same bits",
          "[allocations]") {
  SixTrials sweep;
  Count count;
  for (const bool for_good : {false, true}) {
    const Kind kind = {for_good ? "no memory for good" : "no memory, once", Fault::no_memory, for_good};
    const long all = calls(sweep, kind, 2), points = long_form() ? 100 : 5;
    // As many among the first thousand, which are start-up, as in all the rest.
    for (long i = 0; i < points; ++i)
      run_with(sweep, kind, 1 + i * 1000 / points, 1 + static_cast<int>(i % 2), count);
    for (long i = 0; i < points; ++i)
      run_with(sweep, kind, 1000 + i * all / points, 1 + static_cast<int>(i % 2), count);
    fmt::print("{}: {} allocations in a run\n", kind.name, all);
  }
  say("allocations", sweep, count);
  CHECK(sweep.problems() == Words{});
}

// HDF5 1.10 ignores some of them: it reads or stores something else then, and reports nothing.
TEST_CASE("fault sweep: an allocation of a merge that fails never leaves wrong results", "[allocations]") {
  SixTrials sweep;
  const std::filesystem::path results = sweep.directory("r") / "results.h5";
  REQUIRE(sweep.run("r", 2).code == 0);
  const auto merge = [&] {
    Program program(sweep.folder().path(), {"merge", "r", "--command", "heed run six.yaml"});
    return wait_for(program).code;
  };
  for (const bool for_good : {false, true}) {
    const auto with_fault = [&](long k) {
      std::filesystem::remove(results);
      const Faults faults(sweep.folder(), sweep.directory("r"), Fault::no_memory, for_good, k);
      const int code = merge();
      return std::pair(code, faults.plan().calls.load());
    };
    const auto [code, all] = with_fault(0);
    REQUIRE(code == 0);
    const long points = long_form() ? 1000 : 60;
    long good = 0;
    for (long i = 0; i < points; ++i) {
      const long k = 1 + i * all / points;
      const std::size_t problems = sweep.problems().size();
      const bool done = with_fault(k).first == 0;
      good += done;
      if (done) sweep.check_results("r");
      // Whatever was left, the next merge makes it right.
      if (const int again = merge(); again != 0) sweep.problem("merged again", fmt::format("{}", again));
      sweep.check_results("r");
      if (sweep.problems().size() > problems) fmt::print("  ^ allocation {} of the merge\n", k);
    }
    fmt::print("merge, no memory{}: {} of {} allocations fail, {} merges end well, {} problems\n",
               for_good ? " for good" : ", once", points, all, good, sweep.problems().size());
  }
  CHECK(sweep.problems() == Words{});
}
