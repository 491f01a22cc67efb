// heed eval: saved weights on the trial's own test, on other lengths, splits and tasks, and what is refused.
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/run/run_directory.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/results/temp_folder.h"

namespace {

namespace fs = std::filesystem;
using heed::test::Ended;
using heed::test::TempFolder;
using heed::test::Words;

const std::string kParity = "task={name: parity, length: 8}";

// Makes a run directory "r" of small trials. As one part of one: nothing is merged or drawn.
Ended run(const TempFolder& folder, const Words& more) {
  return heed::test::run_smoke(
      folder, "r",
      heed::test::with({"--part", "0/1", "sweep.seeds=1", "train.steps=5", "train.test_sequences=64"}, more));
}

// The same with saved weights.
void finished_run(const TempFolder& folder, const std::string& task, const Words& more = {}) {
  const Ended ended = run(folder, heed::test::with({"save=[weights]", task}, more));
  INFO(ended.err);
  REQUIRE(ended.code == 0);
}

// Two trials of parity, made once for the tests that only read them.
const TempFolder& parity_run() {
  static const TempFolder folder;
  static const bool made = (finished_run(folder, kParity), true);
  REQUIRE(made);
  return folder;
}

Ended eval(const TempFolder& folder, const Words& more = {}) {
  return heed::test::heed(folder.path(), heed::test::with({"eval", "r"}, more));
}

// Cell `column` of each line of a CSV file without quoted cells before it.
std::vector<std::string> column(const std::string& csv, const std::string& name) {
  std::vector<std::vector<std::string>> lines;
  for (std::size_t at = 0; at < csv.size();) {
    const std::size_t end = csv.find('\n', at);
    std::vector<std::string> cells(1);
    bool in_quotes = false;
    for (const char c : csv.substr(at, end - at)) {
      if (c == '"') in_quotes = !in_quotes;
      if (c == ',' && !in_quotes)
        cells.emplace_back();
      else
        cells.back() += c;
    }
    lines.push_back(cells);
    at = end + 1;
  }
  std::vector<std::string> out;
  for (std::size_t c = 0; c < lines.at(0).size(); ++c)
    if (lines[0][c] == name)
      for (std::size_t i = 1; i < lines.size(); ++i) out.push_back(lines[i].at(c));
  return out;
}

std::vector<std::string> evaluated(const TempFolder& folder, const std::string& name,
                                   const Words& more = {}) {
  fs::remove(folder / "e.csv");
  const Ended ended = eval(folder, heed::test::with(more, {"-o", "e.csv"}));
  INFO(ended.err);
  REQUIRE(ended.code == 0);
  return column(heed::test::read_file(folder / "e.csv"), name);
}

double recorded(const TempFolder& folder, std::size_t line, const std::string& metric) {
  const heed::RunDirectory directory(folder / "r");
  for (const auto& m : heed::results::read_trial(directory.trial(directory.read_plan().at(line).id)).metrics)
    if (m.name == metric) return m.value;
  throw std::out_of_range(metric);
}

}  // namespace

TEST_CASE("heed eval: on the trial's own test the values have the recorded bits") {
  const TempFolder& folder = parity_run();
  const auto before = fs::last_write_time(folder / "r");
  const std::vector<std::string> accuracy = evaluated(folder, "accuracy", {"--threads", "2"}),
                                 loss = evaluated(folder, "loss");
  REQUIRE(accuracy.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(std::stod(accuracy[i]) == recorded(folder, i, "test_accuracy"));
    CHECK(std::stod(loss[i]) == recorded(folder, i, "test_loss"));
  }
  CHECK(fs::last_write_time(folder / "r") == before);
  const Ended ended = eval(folder);
  CHECK_THAT(ended.out, ContainsSubstring("test split of parity (length=8)") && ContainsSubstring("softmax"));
}

TEST_CASE("heed eval: trials in bfloat16 are evaluated in bfloat16, and the plan names them") {
  const TempFolder folder;
  finished_run(folder, kParity, {"train.precision=bfloat16"});
  const std::vector<std::string> loss = evaluated(folder, "loss");
  REQUIRE(loss.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(std::stod(loss[i]) == recorded(folder, i, "test_loss"));
    CHECK(recorded(folder, i, "test_loss") != recorded(parity_run(), i, "test_loss"));
  }
  const auto plan = [&](const Words& more) {
    const Ended ended = heed::test::heed(
        folder.path(), heed::test::with({"plan", heed::test::smoke(), "sweep.seeds=1"}, more));
    INFO(ended.err);
    REQUIRE(ended.code == 0);
    return ended.out;
  };
  CHECK_THAT(plan({"sweep.parameters={train.precision: [float32, bfloat16]}"}),
             ContainsSubstring("2 of 4 trials multiply matrices in bfloat16") &&
                 ContainsSubstring("precision=bfloat16"));
  CHECK_THAT(plan({}), !ContainsSubstring("bfloat16"));
}

TEST_CASE("heed eval: another length has the accuracy that test_lengths records") {
  const TempFolder folder;
  finished_run(folder, "task={name: parity, length: 8, test_lengths: [6, 20]}",
               {"model.positions=none", "variants=[softmax]"});
  const heed::RunDirectory directory(folder / "r");
  const auto record = heed::results::read_trial(directory.trial(directory.read_plan().at(0).id));
  const auto curve =
      std::ranges::find(record.curves, std::string("test_accuracy_by_length"), &heed::results::Curve::name);
  REQUIRE(curve != record.curves.end());
  CHECK(std::stod(evaluated(folder, "accuracy", {"length=6"}).at(0)) == curve->values.at(0));
  CHECK(std::stod(evaluated(folder, "accuracy", {"task.length=20"}).at(0)) == curve->values.at(1));
  CHECK(std::stod(evaluated(folder, "accuracy", {"--task", "{name: parity, length: 20}"}).at(0)) ==
        curve->values.at(1));
}

TEST_CASE("heed eval: splits, numbers of sequences and single trials") {
  const TempFolder folder;
  finished_run(folder, "task={name: parity, length: 8, train_sequences: 40}");
  CHECK(evaluated(folder, "sequences", {"--split", "train", "--sequences", "100"}).at(0) == "40");
  CHECK(evaluated(folder, "sequences", {"--split", "validation", "--sequences", "100"}).at(0) == "100");
  CHECK(evaluated(folder, "accuracy", {"--split", "validation"}) != evaluated(folder, "accuracy"));
  const std::string id = heed::RunDirectory(folder / "r").read_plan().at(1).id;
  CHECK(evaluated(folder, "trial", {"--trial", id}) == std::vector{id});
}

TEST_CASE("heed eval: another task with the same vocabulary is evaluated") {
  const TempFolder folder;
  finished_run(folder, "task={name: copy, length: 16, tokens: 4, vocab: 12}");
  CHECK(evaluated(folder, "accuracy", {"--task", "selective_copy", "length=16", "tokens=4", "vocab=12"})
            .size() == 2);
}

TEST_CASE("heed eval: what a trained model cannot read is refused with the reason") {
  const TempFolder& folder = parity_run();
  const auto refused = [&](const Words& more) {
    const Ended ended = eval(folder, more);
    CHECK(ended.code == 64);
    return ended.err;
  };
  CHECK_THAT(refused({"length=9"}),
             ContainsSubstring("r: no trial can be evaluated: the task 'parity' does not suit the trained "
                               "model: length 9 is beyond the table of learned positions (8 rows"));
  CHECK_THAT(refused({"--task", "copy", "length=8", "tokens=2", "vocab=5"}),
             ContainsSubstring("its input has 5 different tokens, and the model was trained on 2"));
  CHECK_THAT(refused({"--task", "listops"}),
             ContainsSubstring("the task 'listops' does not suit the trained model: its input has 15"));
  CHECK_THAT(refused({"--task", "masked_text"}),
             ContainsSubstring("the task 'masked_text' is not for a model of type 'decoder'"));
  CHECK_THAT(refused({"lenght=9"}), ContainsSubstring("task.lenght") && ContainsSubstring("'length'?"));
}

TEST_CASE("heed eval: a text with other characters is refused, and bytes are not") {
  const TempFolder folder;
  std::string one, other;
  for (int i = 0; i < 300; ++i) one += "abcd\n", other += "abce\n";
  heed::test::write_file(folder / "one.txt", one);
  heed::test::write_file(folder / "other.txt", other);
  finished_run(folder, "task={name: text, path: one.txt, unit: characters, length: 8}");
  CHECK(evaluated(folder, "accuracy", {"path=one.txt"}).size() == 2);
  const Ended ended = eval(folder, {"path=other.txt"});
  CHECK(ended.code == 64);
  CHECK_THAT(ended.err, ContainsSubstring(
                            "its text is another one than in training, so its characters are other tokens") &&
                            ContainsSubstring("With unit: bytes"));
}

TEST_CASE("heed eval: other values of options that divide the data are refused") {
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 300; ++i) text += "abcd\n";
  heed::test::write_file(folder / "one.txt", text);
  heed::test::write_file(folder / "same.txt", text);
  heed::test::write_file(folder / "other.txt", text + "more");
  finished_run(folder, "task={name: text, path: one.txt, length: 8}", {"variants=[softmax]"});
  const auto refused = [&](const std::string& option, const Words& words) {
    const Ended ended = eval(folder, words);
    CHECK(ended.code == 64);
    CHECK_THAT(ended.err, ContainsSubstring("command line: task." + option +
                                            ": it says on which part of the data the trial was trained"));
  };
  const std::string halves = "split=[0.5, 0.25, 0.25]";
  refused("split", {halves});
  refused("split", {"path=same.txt", halves});
  refused("train_bytes", {"train_bytes=500"});
  CHECK(eval(folder, {"split=[0.9, 0.05, 0.05]", "train_bytes=0"}).code == 0);  // the trial's own
  CHECK(eval(folder, {"path=other.txt", halves}).code == 0);

  // A task declares such options itself.
  fs::remove_all(folder / "r");
  const std::string plugin = (heed::test::build_dir() / "plugins/divided.so").string();
  finished_run(folder, "task=divided", {"--plugin", plugin, "variants=[softmax]"});
  refused("held_out", {"--plugin", plugin, "held_out=8"});
  CHECK(eval(folder, {"--plugin", plugin, "held_out=4", "length=6"}).code == 0);
}

TEST_CASE("heed eval: trials without weights or without an end are named") {
  const TempFolder folder;
  REQUIRE(run(folder, {kParity}).code == 0);
  const Ended unsaved = eval(folder);
  CHECK(unsaved.code == 64);
  CHECK_THAT(unsaved.err,
             ContainsSubstring("its weights were not saved. Add `save: [weights]` to the sweep file"));
  fs::remove_all(folder / "r");
  finished_run(folder, kParity, {"variants=[softmax, lstm]"});
  const heed::RunDirectory directory(folder / "r");
  fs::remove(directory.trial(directory.read_plan().at(0).id));
  const Ended one = eval(folder);
  CHECK(one.code == 1);
  CHECK_THAT(one.out, ContainsSubstring("is not evaluated: it has not ended."));
  fs::remove_all(folder / "r");
  REQUIRE(run(folder, {"save=[weights]", kParity, "train.lr=1e30", "train.clip=0"}).code == 1);
  CHECK_THAT(eval(folder).err, ContainsSubstring("it is incomplete (diverged)"));
}

TEST_CASE("heed eval: a damaged trial is named with the remedy, and the others are evaluated") {
  const TempFolder folder;
  finished_run(folder, kParity);
  const heed::RunDirectory directory(folder / "r");
  const fs::path file = directory.trial(directory.read_plan().at(0).id);
  std::string bytes = heed::test::read_file(file);
  SECTION("cut") { bytes.resize(bytes.size() / 2); }
  SECTION("a wrong bit") { bytes[bytes.size() / 2] ^= 1; }
  heed::test::write_file(file, bytes);
  const Ended ended = eval(folder);
  CHECK(ended.code == 1);
  CHECK_THAT(ended.out, ContainsSubstring("softmax seed=0 is not evaluated: " +
                                          file.string().substr(file.string().rfind("r/trials"))) &&
                            ContainsSubstring("Remove the file: the next `heed run` runs its trial again.") &&
                            ContainsSubstring(directory.read_plan().at(1).id));
}

TEST_CASE("heed eval: wrong command lines") {
  const TempFolder& folder = parity_run();
  CHECK_THAT(eval(folder, {"--task", "partiy"}).err, ContainsSubstring("Did you mean 'parity'?"));
  CHECK_THAT(eval(folder, {"--split", "tset"}).err, ContainsSubstring("Did you mean 'test'?"));
  CHECK_THAT(eval(folder, {"--trial", "0123456789abcdef"}).err, ContainsSubstring("r has no trial"));
  CHECK_THAT(eval(folder, {"test_lengths=[8]"}).err,
             ContainsSubstring("takes one length, such as length=128"));
  CHECK_THAT(eval(folder, {"length="}).err, ContainsSubstring("command line: length: a value is missing"));
  CHECK_THAT(eval(folder, {"length=["}).err, ContainsSubstring("command line: length: "));
  const std::string twice = eval(folder, {"length=6", "task.length=8"}).err;
  CHECK_THAT(twice, ContainsSubstring("length is set 2 times on the command line: 8 counts, the last one."));
  CHECK_THAT(eval(folder, {"--task", "{name: parity, length: 6}", "length=8"}).err,
             ContainsSubstring("length of --task has no effect: length=8 replaces it."));
  CHECK(eval(folder, {"length=8"}).err.empty());
  CHECK_THAT(eval(folder, {"length"}).err, ContainsSubstring("an option of a task is key=value"));
  heed::test::write_file(folder / "mine.csv", "a,b\n1,2\n");
  const Ended ended = eval(folder, {"-o", "mine.csv"});
  CHECK(ended.code == 74);
  CHECK(heed::test::read_file(folder / "mine.csv") == "a,b\n1,2\n");
}
