// How many test sequences were seen in training, estimated and counted.
#include "experiments/warnings/overlap.h"

#include <set>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

namespace {

// Which share of 1,024 test sequences is among `training` training sequences.
double counted_share(const Task& task, Index training) {
  std::set<std::vector<Token>> seen;
  for (Index i = 0; i < training; ++i) seen.insert(draw(task, Split::train, i).tokens);
  double found = 0;
  for (Index i = 0; i < 1024; ++i) found += seen.contains(draw(task, Split::test, i).tokens) ? 1 : 0;
  return found / 1024;
}

}  // namespace

TEST_CASE("estimate_overlap: a task of 16 sequences is seen as a whole") {
  const auto task = make_task("copy", task_config({{"length", "16"}, {"vocab", "4"}, {"tokens", "4"}}));
  const Overlap overlap = estimate_overlap(*task, 64000);
  CHECK(overlap.different == Approx(16).epsilon(0.05));
  CHECK(overlap.share > 0.999);
  CHECK(counted_share(*task, 6400) == 1);
}

TEST_CASE("estimate_overlap: agrees with counting, also where sequences are not equally likely") {
  const std::vector<std::pair<const char*, Config>> tasks = {
      {"copy", task_config({{"length", "16"}, {"vocab", "6"}, {"tokens", "5"}})},  // 1,024 sequences
      {"selective_copy", task_config({{"length", "16"}, {"vocab", "4"}, {"tokens", "4"}})},
      {"induction", task_config({{"length", "8"}, {"vocab", "4"}})},
      {"mqar", task_config({{"length", "8"}, {"vocab", "12"}, {"pairs", "2"}})}};
  for (const auto& [name, options] : tasks) {
    CAPTURE(name);
    const auto task = make_task(name, options);
    for (const Index training : {200, 1000, 5000})
      CHECK(estimate_overlap(*task, training).share == Approx(counted_share(*task, training)).margin(0.1));
  }
}

TEST_CASE("estimate_overlap: finds one percent, and zero without overlap") {
  // 6^7 = 279,936 sequences
  const auto task = make_task("copy", task_config({{"length", "15"}, {"vocab", "8"}, {"tokens", "7"}}));
  CHECK(estimate_overlap(*task, 14000).share == Approx(0.05).margin(0.03));
  for (const char* name :
       {"mqar", "recall", "noisy_recall", "copy", "selective_copy", "induction", "permutations", "text"}) {
    CAPTURE(name);
    CHECK(estimate_overlap(*make_task(name), 64000).share == 0);
  }
}
