// Whatever else is loaded into the process, results have the same bits; a machine that is not as heed needs
// it; and how often subwords are trained.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include "results/comparison.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::test::smoke;
using heed::test::TempFolder;
using heed::test::Words;

// Updates so small that what began at 0 is below the smallest normal number.
int run(const TempFolder& folder, const std::string& out) {
  return heed::test::heed(folder.path(), {"run", smoke(), "-o", out, "sweep.seeds=1", "train.lr=1e-40",
                                          "train.warmup=0", "save=[weights]"})
      .code;
}

// Numbers that the library would make 0.
std::size_t count_tiny(const std::filesystem::path& trial) {
  std::size_t n = 0;
  for (const heed::results::Array& array : heed::results::read_trial_arrays(trial, "weights"))
    for (const float x : std::get<std::vector<float>>(array.values)) n += std::fpclassify(x) == FP_SUBNORMAL;
  return n;
}

}  // namespace

TEST_CASE("heed run: a preloaded library that flushes denormal numbers changes no bit of the results") {
  const TempFolder folder;
  REQUIRE(run(folder, "alone") == 0);
  setenv("LD_PRELOAD", (heed::test::build_dir() / "tests/experiments/cli/flushing.so").c_str(), 1);
  const int code = run(folder, "preloaded");
  unsetenv("LD_PRELOAD");
  REQUIRE(code == 0);
  const std::vector<std::filesystem::path> files = heed::test::trials(folder / "alone");
  REQUIRE(files.size() == 2);
  for (const std::filesystem::path& trial : files) {
    CHECK(count_tiny(trial) > 0);
    CHECK(heed::results::compare_results(trial, folder / "preloaded/trials" / trial.filename()) == Words{});
  }
}

TEST_CASE("heed run: prints a note if the file system has no locks") {
  const TempFolder folder;
  setenv("LD_PRELOAD", (heed::test::build_dir() / "tests/experiments/cli/no_locks.so").c_str(), 1);
  heed::test::Program program(folder.path(), {"run", smoke(), "-o", "r"});
  const bool ends = heed::test::eventually([&] { return program.ended(); });
  unsetenv("LD_PRELOAD");
  REQUIRE(ends);
  const heed::test::Ended ended = program.wait();
  CHECK(ended.code == 74);
  const std::string reason = std::generic_category().message(ENOSYS);  // what no_locks.cpp answers
  CHECK_THAT(ended.err, ContainsSubstring("plan.lock: cannot be locked: " + reason + ".") &&
                            ContainsSubstring("Lustre: -o flock"));
}

TEST_CASE("heed verify, eval, sample: the subwords of a run are read, and not trained again") {
  const std::filesystem::path counter = heed::test::build_dir() / "tests/experiments/cli/count_trainings.so";
  if (!std::filesystem::exists(counter)) return;  // built without sentencepiece
  const TempFolder folder;
  std::ofstream text(folder / "t.txt");
  for (int i = 0; i < 400; ++i) text << "the cat " << i % 7 << " sat on the mat\n";
  text.close();
  REQUIRE(heed::test::run_smoke(folder, "r",
                                {"task={name: text, path: t.txt, length: 8, unit: bpe, vocab: 290}",
                                 "train.steps=1", "train.warmup=0", "variants=[softmax]", "save=[weights]"})
              .code == 0);
  const auto trainings = [&](const Words& words) {
    std::filesystem::remove(folder / "trainings");
    setenv("HEED_TEST_TRAININGS", (folder / "trainings").c_str(), 1);
    setenv("LD_PRELOAD", counter.c_str(), 1);
    const heed::test::Ended ended = heed::test::heed(folder.path(), words);
    unsetenv("LD_PRELOAD");
    INFO(ended.err << ended.out);
    CHECK(ended.code == 0);
    if (!std::filesystem::exists(folder / "trainings")) return std::ptrdiff_t{0};
    return std::ranges::count(heed::test::read_file(folder / "trainings"), '\n');
  };
  const std::string id = heed::test::trials(folder / "r").at(0).stem().string();
  const Words sample = {"sample", "r", "--trial", id, "--prompt", "the cat", "--length", "2"};
  CHECK(trainings({"verify", "r"}) == 0);
  CHECK(trainings({"eval", "r"}) == 0);
  CHECK(trainings(sample) == 0);
  std::filesystem::remove_all(folder / "r/subwords");
  CHECK(trainings({"verify", "r"}) == 2);  // once in each worker
  CHECK(trainings(sample) > 0);
}
