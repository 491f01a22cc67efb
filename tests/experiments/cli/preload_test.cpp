// Whatever else is loaded into the process, results have the same bits; and a machine that is not as heed
// needs it.
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <filesystem>
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
