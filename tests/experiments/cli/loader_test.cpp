// heed started through the dynamic loader, whose options choose among several builds of heed's libraries.
#include <dlfcn.h>
#include <sys/auxv.h>

#include <filesystem>
#include <string>
#include <vector>

#include "results/comparison.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::test::program;
using heed::test::smoke;
using heed::test::TempFolder;
using heed::test::Words;

heed::test::Ended run_through_loader(const TempFolder& folder, const Words& words) {
  Dl_info loader{};
  REQUIRE(dladdr(reinterpret_cast<void*>(getauxval(AT_BASE)), &loader) != 0);
  const Words options = {"--glibc-hwcaps-mask", "none", program().string()};
  return heed::test::Program(folder.path(), loader.dli_fname, heed::test::with(options, words)).wait();
}

}  // namespace

TEST_CASE("heed run: through the dynamic loader, it trains the same trials") {
  const TempFolder folder;
  REQUIRE(heed::test::run_smoke(folder, "alone", {"sweep.seeds=1"}).code == 0);
  REQUIRE(run_through_loader(folder, {"run", smoke(), "-o", "through", "sweep.seeds=1"}).code == 0);
  const std::vector<std::filesystem::path> files = heed::test::trials(folder / "alone");
  REQUIRE(files.size() == 2);
  for (const std::filesystem::path& trial : files)
    CHECK(heed::results::compare_results(trial, folder / "through/trials" / trial.filename()) == Words{});
}

TEST_CASE("heed submit: through the dynamic loader, its jobs start heed with the loader's options") {
  const TempFolder folder;
  const heed::test::Ended ended = run_through_loader(folder, {"submit", smoke(), "-o", "r", "--print"});
  REQUIRE(ended.code == 0);
  CHECK_THAT(ended.out, ContainsSubstring(" --glibc-hwcaps-mask none " + program().string() + " run "));
}
