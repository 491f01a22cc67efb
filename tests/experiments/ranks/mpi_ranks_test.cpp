#include "experiments/ranks/mpi_ranks.h"

#include <sys/wait.h>

#include <algorithm>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/thread_ranks.h"
#include "experiments/ranks/launch.h"
#include "experiments/system/process.h"
#include "tests/catch.h"
#include "tests/experiments/ranks/messages.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

using namespace heed;

bool without_mpi() {
  const std::string why = why_no_ranks();
  if (!why.empty()) fmt::print("Skipped: {}.\n", why);
  return !why.empty();
}

// The lines that the ranks of tests/experiments/ranks/mpi_program.cpp print, sorted, and how mpirun ends.
struct Printed {
  std::vector<std::string> lines;
  int status = 0;
  bool has(const std::string& text) const {
    return std::ranges::any_of(lines, [&](const auto& l) { return l.find(text) != std::string::npos; });
  }
};
Printed run_program(int ranks, std::vector<std::string> more) {
  const test::TempFolder scratch;
  std::vector<std::string> words = launch_words(ranks, 1, scratch.path());
  words.push_back((test::build_dir() / "bin/mpi_program").string());
  words.insert(words.end(), more.begin(), more.end());
  const Signals signals;
  const EndedProcess ended = run_apart(words[0], words, signals);
  Printed printed{{}, ended.status};
  std::istringstream in(ended.output);
  for (std::string line; std::getline(in, line);) printed.lines.push_back(line);
  std::ranges::sort(printed.lines);
  return printed;
}

}  // namespace

TEST_CASE("mpi: processes exchange the same bits as threads, in pieces or not") {
  if (without_mpi()) return;
  for (const int ranks : {1, 2, 3}) {
    std::vector<std::string> expected;
    std::mutex mutex;
    run_ranks(ranks, [&](Communicator& c) {
      const std::string text = test::exchanged(c);
      const std::scoped_lock lock(mutex);
      expected.push_back(text);
    });
    std::ranges::sort(expected);
    for (const char* piece : {"1073741824", "1000"}) {
      CAPTURE(ranks, piece);
      const Printed printed = run_program(ranks, {"exchange", fmt::format("{}", ranks), piece});
      CHECK(printed.lines == expected);
      CHECK(printed.status == 0);
    }
  }
}

TEST_CASE("mpi: a message of another size is an error of the rank that receives it") {
  if (without_mpi()) return;
  const Printed printed = run_program(2, {"wrong_size", "2", "1073741824"});
  CHECK(printed.has("error: rank 0 sends 8 bytes where rank 1 expects 12."));
  CHECK(printed.status != 0);
}

TEST_CASE("mpi: a process that is not one of the expected ranks says so") {
  if (without_mpi()) return;
  CHECK(run_program(2, {"exchange", "3", "1000"})
            .has("error: this process is one of 2 ranks, but its trial needs 3. `heed run` starts them."));
}
