// task.test_lengths: other lengths at which a trained model is tested.
#include "experiments/trial/test_lengths.h"

#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"
#include "experiments/sweep/sweep_file.h"
#include "tests/catch.h"
#include "tests/experiments/builtin.h"

namespace {

using heed::Index;
using heed::Problems;
using heed::Sweep;

Sweep read(const std::string& text, Problems& problems) {
  heed::Registry registry = heed::test::builtin();
  const auto file = heed::parse_sweep_file(text, "f.yaml", {}, registry, problems);
  return file ? heed::read_sweep(file->tree, "f", registry, problems) : Sweep{};
}

std::string sweep_text(const std::string& task, const std::string& positions = "none",
                       const std::string& variant = "softmax") {
  return "variants: [" + variant + "]\ntask: {" + task +
         "}\nmodel: {dim: 8, heads: 2, layers: 1, positions: " + positions + "}\n";
}

Sweep good(const std::string& text) {
  Problems problems;
  Sweep sweep = read(text, problems);
  for (const std::string& line : problems.lines()) FAIL_CHECK(line);
  return sweep;
}

std::string wrong(const std::string& text) {
  Problems problems;
  read(text, problems);
  std::string all;
  for (const std::string& line : problems.lines()) all += line + '\n';
  return all;
}

const std::string kParity = "name: parity, length: 8";

}  // namespace

TEST_CASE("test_lengths: they are part of a trial's configuration and id, in ascending order") {
  const Sweep with = good(sweep_text(kParity + ", test_lengths: [16, 4]"));
  const heed::TrialConfig& trial = with.trials.at(0).config;
  CHECK(trial.test_lengths == std::vector<Index>{4, 16});
  const heed::TrialConfig back = heed::trial_from_config(heed::to_config(trial));
  CHECK(back.test_lengths == trial.test_lengths);
  CHECK(heed::trial_id(back) == with.trials.at(0).id);
  CHECK(good(sweep_text(kParity + ", test_lengths: [4, 16]")).trials.at(0).id == with.trials.at(0).id);
}

TEST_CASE("test_lengths: without them configuration and id are as before there was a choice") {
  const Sweep without = good(sweep_text(kParity));
  CHECK_FALSE(heed::to_config(without.trials.at(0).config).find_path("task.test_lengths"));
  CHECK(good(sweep_text(kParity + ", test_lengths: []")).trials.at(0).id == without.trials.at(0).id);
  CHECK(good(sweep_text(kParity + ", test_lengths: [4]")).trials.at(0).id != without.trials.at(0).id);
}

TEST_CASE("test_lengths: lists of them are swept") {
  const Sweep sweep = good(sweep_text(kParity) + "sweep: {parameters: {task.test_lengths: [[4], [4, 16]]}}");
  REQUIRE(sweep.trials.size() == 2);
  CHECK(sweep.trials[1].config.test_lengths == std::vector<Index>{4, 16});
}

TEST_CASE("test_lengths: a table of learned positions ends at the trained length") {
  CHECK_THAT(
      wrong(sweep_text(kParity + ", test_lengths: [4, 9]", "learned")),
      ContainsSubstring("f.yaml:2:7: task.test_lengths: 9 is beyond the table of learned positions (8 "
                        "rows, one for each trained position). Use other model.positions (none, sinusoidal, "
                        "rope, alibi), or test at most at length 8."));
  CHECK(wrong(sweep_text(kParity + ", test_lengths: [4, 8]", "learned")).empty());
  for (const char* positions : {"none", "sinusoidal", "rope", "alibi"})
    CHECK(wrong(sweep_text(kParity + ", test_lengths: [9, 100]", positions)).empty());
}

TEST_CASE("test_lengths: an entry of several tasks is refused by its index") {
  CHECK_THAT(
      wrong(
          "variants: [softmax]\ntasks: [{name: parity, length: 8}, {name: parity, length: 12, test_lengths: "
          "[16]}]\nmodel: {dim: 8, heads: 2, layers: 1, positions: learned}\n"),
      ContainsSubstring(
          "f.yaml:2:36: tasks[1].test_lengths: 16 is beyond the table of learned positions (12"));
}

TEST_CASE("test_lengths: fixed tables of a variant may depend on the length") {
  CHECK(wrong(sweep_text(kParity + ", test_lengths: [64]", "none", "{bigbird: {block: 2}}")).empty());
}

TEST_CASE("test_lengths: a task without another length is refused") {
  CHECK_THAT(wrong(sweep_text("name: text, length: 8, test_lengths: [16]")),
             ContainsSubstring("the task 'text' has a test split of a fixed size"));
}

TEST_CASE("test_lengths: a length that the task refuses is named with the reason") {
  CHECK_THAT(wrong(sweep_text("name: mqar, length: 64, vocab: 512, test_lengths: [128, 65]")),
             ContainsSubstring("task.test_lengths: 65 is no length of this task: task.length: "));
}

TEST_CASE("test_lengths: anything but a list of different integers above 0 is refused") {
  CHECK_THAT(wrong(sweep_text(kParity + ", test_lengths: 16")), ContainsSubstring("task.test_lengths"));
  CHECK_THAT(wrong(sweep_text(kParity + ", test_lengths: [0]")), ContainsSubstring("task.test_lengths"));
  CHECK_THAT(wrong(sweep_text(kParity + ", test_lengths: [4, 4]")),
             ContainsSubstring("task.test_lengths: 4 is listed twice."));
}
