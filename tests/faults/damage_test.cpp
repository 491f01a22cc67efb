// Damaged files of a run directory: each is refused or reads as before, with no crash, no hang and no other
// value.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "experiments/budget/step_times.h"
#include "experiments/train/checkpoint.h"
#include "results/atomic_file.h"
#include "results/merge.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/faults/six_trials.h"
#include "tests/paths.h"

namespace {

using namespace heed::test;
namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

struct Case {
  std::string kind;  // of reader
  std::string damage;
  fs::path path;  // of the damaged file
};

// Ways to damage a file. `others` are other files of the run directory, for swapping.
class Damage {
 public:
  explicit Damage(unsigned seed) : draw_(seed) {}

  std::string apply(Bytes& bytes, const std::vector<Bytes>& others) {
    const Bytes before = bytes;
    for (;;) {
      std::string what = once(bytes, others);
      if (bytes != before) return what;
    }
  }

 private:
  std::size_t below(std::size_t n) {
    return n == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, n - 1)(draw_);
  }
  // The first and last bytes say most: every second place is near an end.
  std::size_t place(std::size_t size) {
    const std::size_t near = std::min<std::size_t>(size, 64);
    switch (below(4)) {
      case 0:
        return below(near);
      case 1:
        return size - 1 - below(near);
      default:
        return below(size);
    }
  }

  std::string once(Bytes& bytes, const std::vector<Bytes>& others) {
    const std::size_t at = place(bytes.size());
    switch (below(9)) {
      case 0:
        bytes[at] ^= std::byte(1U << below(8));
        return fmt::format("bit of byte {}", at);
      case 1:
        bytes[at] = std::byte(below(256));
        return fmt::format("byte {}", at);
      case 2:
        for (int i = 0; i < 16; ++i) bytes[below(bytes.size())] = std::byte(below(256));
        return "16 bytes";
      case 3:
        bytes.resize(at);
        return fmt::format("cut to {}", at);
      case 4:
      case 5: {  // a page, as a disk or a file system loses it
        const std::size_t page = below(2) ? 512 : 4096, from = at / page * page;
        std::fill_n(bytes.begin() + std::ptrdiff_t(from), std::min(page, bytes.size() - from), std::byte{0});
        return fmt::format("{} zeros from {}", page, from);
      }
      case 6:
        bytes.insert(bytes.end(), 1 + below(5000), std::byte{0});
        return "longer";
      case 7: {  // two pages in each other's place
        const std::size_t page = std::min<std::size_t>(512, bytes.size() / 2);
        const std::size_t a = below(bytes.size() - page), b = below(bytes.size() - page);
        const Bytes kept(bytes.begin() + std::ptrdiff_t(a), bytes.begin() + std::ptrdiff_t(a + page));
        std::memmove(bytes.data() + a, bytes.data() + b, page);
        std::copy(kept.begin(), kept.end(), bytes.begin() + std::ptrdiff_t(b));
        return fmt::format("pages at {} and {} swapped", a, b);
      }
      default:
        if (others.empty()) return "";
        bytes = others[below(others.size())];
        return "another file";
    }
  }

  std::mt19937 draw_;
};

// What the reading program says of each case; "crashed" where it ended, "hangs" after a minute.
std::vector<std::string> read_all(const TempFolder& folder, const std::vector<Case>& cases) {
  std::vector<std::string> answers;
  while (answers.size() < cases.size()) {
    const fs::path in = folder / "in", out = folder / "out";
    std::ofstream list(in);
    const std::size_t end = std::min(cases.size(), answers.size() + 50);  // seconds, even with fsync
    for (std::size_t i = answers.size(); i < end; ++i)
      list << cases[i].kind << ' ' << cases[i].path.string() << '\n';
    list.close();
    const std::string command =
        fmt::format("timeout 60 {} < {} > {} 2> /dev/null",
                    (program().parent_path() / "damage_reader").string(), in.string(), out.string());
    const int status = std::system(command.c_str());
    std::ifstream read(out);
    for (std::string line; std::getline(read, line);) answers.push_back(line);
    if (answers.size() < end)
      answers.push_back(WIFEXITED(status) && WEXITSTATUS(status) == 124 ? "hangs" : "crashed");
  }
  return answers;
}

struct Count {
  long files = 0, refused = 0, unharmed = 0, wrong = 0;
};

// Damages `original`, which lies in a folder of its own, `n` times, and reads it as `kind`.
Count damage(const std::string& kind, const fs::path& original, const std::vector<fs::path>& others, int n) {
  const TempFolder folder;
  std::vector<Bytes> swapped;
  for (const fs::path& other : others) swapped.push_back(heed::results::read_file(other));
  Damage damage(static_cast<unsigned>(n) + static_cast<unsigned>(kind.size()));
  std::vector<Case> cases = {{kind, "none", original}};
  for (int i = 0; i < n; ++i) {
    Bytes bytes = heed::results::read_file(original);
    const std::string what = damage.apply(bytes, swapped);
    const fs::path home = folder / fmt::format("{}", i);
    if (kind == "merge")
      fs::copy(original.parent_path(), home);
    else
      fs::create_directory(home);
    std::ofstream(home / original.filename(), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
    cases.push_back({kind, what, home / original.filename()});
  }
  const std::vector<std::string> answers = read_all(folder, cases);
  REQUIRE(answers[0].starts_with("read "));
  // A damaged file that a merge leaves out: what the others give, with one report.
  std::string without;
  if (kind == "merge") {
    const fs::path home = folder / "without";
    fs::copy(original.parent_path(), home);
    write_file(home / original.filename(), "");
    without = read_all(folder, {{kind, "", home / original.filename()}})[0];
  }
  Count count;
  for (std::size_t i = 1; i < cases.size(); ++i) {
    ++count.files;
    if (answers[i].starts_with("refused: ") || answers[i] == without) {
      ++count.refused;
    } else if (answers[i] == answers[0]) {
      ++count.unharmed;
    } else {
      if (++count.wrong <= 5) fmt::print("  {} with {}: {}\n", kind, cases[i].damage, answers[i]);
    }
  }
  fmt::print("{}: {} damaged files, {} refused, {} read as before, {} wrong\n", kind, count.files,
             count.refused, count.unharmed, count.wrong);
  std::fflush(stdout);
  return count;
}

struct RunDirectory {
  SixTrials sweep;
  std::vector<fs::path> trials;
  RunDirectory() {
    for (const auto& source : heed::results::trial_files(path() / "trials")) trials.push_back(source.path);
  }
  fs::path path() const { return sweep.directory("undisturbed"); }
};

int sample(int few, int all) { return long_form() ? all : few; }

}  // namespace

TEST_CASE("damage: a damaged results file is refused: no crash, no hang, no other value") {
  const RunDirectory run;
  const fs::path trial = run.trials.at(0), results = run.path() / "results.h5",
                 plan = run.path() / "plan.tsv";
  CHECK(damage("trial", trial, {run.trials[1], results, plan}, sample(100, 2000)).wrong == 0);
  CHECK(damage("outcome", trial, {run.trials[1], results, plan}, sample(50, 500)).wrong == 0);
  CHECK(damage("results", results, {trial, plan}, sample(70, 1500)).wrong == 0);
  CHECK(damage("merge", trial, {run.trials[1], results, plan}, sample(20, 200)).wrong == 0);
}

TEST_CASE("damage: a damaged checkpoint is ignored: no crash, no hang, no other value") {
  const RunDirectory run;
  const std::string id = run.trials[0].stem().string();
  std::vector<float> values(100, 1), first(100, 2), second(100, 3);
  heed::TrainLog log;
  log.loss = log.gradient_norm = {4, 3, 2};
  log.steps = 3;
  const std::vector<heed::OptimizerState<float>> state = {{"first_moment", first}, {"second_moment", second}};
  heed::Checkpoints(run.path() / id, id).save({values, state, log});
  heed::Checkpoints(run.path() / "other", "0123456789abcdef").save({first, state, log});
  CHECK(damage("checkpoint", run.path() / (id + ".0"), {run.path() / "other.0", run.trials[0]},
               sample(60, 1000))
            .wrong == 0);
}

TEST_CASE("a damaged plan is refused: no crash, no hang, no other value") {
  const RunDirectory run;
  const fs::path plan = run.path() / "plan.tsv";
  CHECK(damage("plan", plan, {run.trials[0], run.path() / "results.h5", run.path() / "sweep.yaml"},
               sample(60, 800))
            .wrong == 0);
}

TEST_CASE("damaged step times are refused: no crash, no hang, no other size") {
  const RunDirectory run;
  const fs::path file = run.path() / "step_times.tsv";
  heed::StepTimes times(file, {});
  times.add("a", {"", 0, 1.25, 1.25});
  times.add("b", {"model.feed_forward.mlp.width", 48, 1.25, 1.2421875});
  times.add("c", {"variants.tokenformer.feed_forward_tokens", 1234, 1.25, 1.2578125});
  CHECK(damage("step_times", file, {run.path() / "plan.tsv", run.path() / "sweep.yaml"}, sample(60, 800))
            .wrong == 0);
}
