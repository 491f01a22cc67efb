// heed verify: equal results are said to be equal, and one changed bit is found.
#include <bit>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/run/verify.h"
#include "results/trial_file.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

namespace fs = std::filesystem;
using heed::results::Record;
using heed::test::Ended;
using heed::test::TempFolder;
using heed::test::Words;

// Makes a finished run directory "r" of four small trials.
void finished_run(const TempFolder& folder, const Words& more = {}) {
  REQUIRE(heed::test::run_smoke(folder, "r", more).code == 0);
}

std::vector<std::string> ids(const TempFolder& folder) {
  std::vector<std::string> all;
  for (const auto& line : heed::RunDirectory(folder / "r").read_plan()) all.push_back(line.id);
  return all;
}

Ended verify(const TempFolder& folder, const Words& more = {}) {
  return heed::test::heed(folder.path(), heed::test::with({"verify", "r"}, more));
}

// Writes a trial's file anew, changed.
template <class Change>
void spoil(const TempFolder& folder, const std::string& id, Change&& change) {
  const fs::path path = heed::RunDirectory(folder / "r").trial(id);
  Record record = heed::results::read_trial(path);
  change(record);
  heed::results::replace_trial(record, path);
}

double next(double x) { return std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) + 1); }

heed::results::Metric& metric(Record& record, const std::string& name) {
  for (auto& m : record.metrics)
    if (m.name == name) return m;
  throw std::out_of_range(name);
}

// The first of a group.
heed::results::Array& array_of(Record& record, const std::string& group) {
  for (auto& a : record.arrays)
    if (a.group == group) return a;
  throw std::out_of_range(group);
}

}  // namespace

TEST_CASE("heed verify: trials are equal to the bit, also with other threads") {
  const TempFolder folder;
  finished_run(folder, {"save=[weights, attention, logits]"});
  const auto before = fs::last_write_time(folder / "r");
  const Ended ended = verify(folder, {"--threads", "2", "-j", "1"});
  CHECK(ended.code == 0);
  CHECK_THAT(ended.out, ContainsSubstring("4 trials run again: 4 equal to the bit, 0 different. ") &&
                            ContainsSubstring(" numbers compared."));
  CHECK_THAT(ended.err, ContainsSubstring("[4/4] ") && ContainsSubstring("; left "));
  CHECK(fs::last_write_time(folder / "r") == before);
}

TEST_CASE("heed verify: a sweep with growth is trained, verified and listed") {
  const TempFolder folder;
  finished_run(folder,
               {"variants=[{tokenformer: {tokens: 12}}, {grow: [{tokenformer: {tokens: 8}, steps: 9}, "
                "{tokenformer: {tokens: 12}, steps: 10}]}]",
                "sweep.seeds=1"});
  CHECK(verify(folder).code == 0);
  std::vector<Record> both;
  for (const std::string& id : ids(folder))
    both.push_back(heed::results::read_trial(heed::RunDirectory(folder / "r").trial(id)));
  REQUIRE(both.size() == 2);
  CHECK(metric(both[1], "parameters").value == metric(both[0], "parameters").value);
  CHECK(metric(both[1], "growth_difference").value <= 1e-6);
  CHECK_THROWS_AS(metric(both[0], "growth_difference"), std::out_of_range);
  CHECK(both[1].last_step == 19);
  // A step of the larger model costs more; 10 of 19 are its.
  const double larger = metric(both[0], "training_flops").value / 20;
  CHECK(metric(both[1], "training_flops").value > 10 * larger);
  CHECK(metric(both[1], "training_flops").value < 18 * larger);
  const Ended plan = heed::test::heed(folder.path(), {"plan", "r/sweep.yaml"});
  CHECK(plan.code == 0);
  CHECK(plan.out.find("tokenformer(tokens=8)>tokenformer(tokens=12)") != std::string::npos);
}

TEST_CASE("heed verify: finds a single wrong bit, with trial, variable and difference") {
  const TempFolder folder;
  finished_run(folder, {"save=[weights]"});
  const std::vector<std::string> trials = ids(folder);

  SECTION("in a metric") {
    spoil(folder, trials[2], [](Record& r) {
      auto& loss = metric(r, "test_loss").value;
      loss = next(loss);
    });
    const Ended ended = verify(folder);
    CHECK(ended.code == 1);
    CHECK_THAT(ended.out, ContainsSubstring(trials[2] + "  softmax seed=1: differs\n  test_loss: ") &&
                              ContainsSubstring(" recorded, ") && ContainsSubstring(" again (by ") &&
                              ContainsSubstring(": 3 equal to the bit, 1 different."));
    CHECK(verify(folder, {"--trial", trials[0], "--trial", trials[1]}).code == 0);
    CHECK(verify(folder, {"--trial", trials[2]}).code == 1);
  }
  SECTION("in a curve") {
    spoil(folder, trials[0], [](Record& r) { r.curves.at(0).values.at(3) += 0.5; });
    CHECK_THAT(verify(folder).out, ContainsSubstring("train_loss: 1 of 20 values differ, the first at [3]; "
                                                     "most at [3]: ") &&
                                       ContainsSubstring("(by 0.5)"));
  }
  SECTION("in a trained parameter") {
    spoil(folder, trials[0],
          [](Record& r) { std::get<std::vector<float>>(array_of(r, "weights").values).at(0) += 1; });
    const Ended ended = verify(folder);
    CHECK(ended.code == 1);
    CHECK_THAT(ended.out, ContainsSubstring("  weights/") && ContainsSubstring("the first at [0]"));
  }
  SECTION("in what a probe saw") {
    spoil(folder, trials[0], [](Record& r) {
      double& entropy = std::get<std::vector<double>>(array_of(r, "probes").values).at(0);
      entropy = next(entropy);
    });
    CHECK_THAT(verify(folder).out, ContainsSubstring("  probes/"));
  }
  SECTION("but not in what varies") {
    spoil(folder, trials[0], [](Record& r) { metric(r, "step_milliseconds").value += 1; });
    CHECK(verify(folder).code == 0);
  }
}

TEST_CASE("heed verify: another build is named, and is no difference if the numbers agree") {
  const TempFolder folder;
  finished_run(folder);
  spoil(folder, ids(folder)[0], [](Record& r) { r.provenance.build = "another compiler"; });
  const Ended ended = verify(folder);
  CHECK(ended.code == 0);
  CHECK_THAT(ended.err, ContainsSubstring("Other builds may differ in the last bits") &&
                            ContainsSubstring("another compiler"));

  // The merge says it, and every comparison of what it has merged.
  for (const char* verb : {"merge", "compare", "compare"})
    CHECK_THAT(heed::test::heed(folder.path(), {verb, "r"}).err,
               ContainsSubstring("The trials come from 2 different builds of heed"));
}

TEST_CASE("heed verify: a diverged trial diverges again at the same step") {
  const TempFolder folder;
  const std::string smoke = heed::test::smoke();
  REQUIRE(heed::test::heed(folder.path(), {"run", smoke, "-o", "r", "train.lr=1e30", "train.clip=0"}).code ==
          1);
  CHECK_THAT(verify(folder).out, ContainsSubstring("4 equal to the bit, 0 different."));
}

TEST_CASE("evenly_spaced: a sample covers the plan evenly and is the same every time") {
  CHECK(heed::evenly_spaced(10, 2) == std::vector<std::size_t>{2, 7});
  CHECK(heed::evenly_spaced(10, 10) == std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(heed::evenly_spaced(3, 5) == std::vector<std::size_t>{0, 1, 2});
  CHECK(heed::evenly_spaced(1000, 1) == std::vector<std::size_t>{500});
}

TEST_CASE("heed verify: reports what cannot be verified, with the reason") {
  const TempFolder folder;
  finished_run(folder, {"sweep.seeds=1"});
  const Ended unknown = verify(folder, {"--trial", "0123456789abcdef"});
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err, ContainsSubstring("r has no trial '0123456789abcdef'"));
  const std::vector<std::string> trials = ids(folder);
  fs::remove(heed::RunDirectory(folder / "r").trial(trials[0]));
  CHECK_THAT(verify(folder, {"--trial", trials[0]}).err, ContainsSubstring("is not finished"));
  CHECK_THAT(verify(folder).out, ContainsSubstring("1 trial run again"));
  fs::remove(heed::RunDirectory(folder / "r").trial(trials[1]));
  const Ended none = verify(folder);
  CHECK(none.code == 64);
  CHECK_THAT(none.err, ContainsSubstring("no trial is finished yet"));
}

TEST_CASE("verify: what cannot be run again is one line for each reason, counted apart") {
  const TempFolder folder;
  const fs::path text = folder / "corpus.txt";
  std::string content;
  for (int i = 0; i < 400; ++i) content += "line " + std::to_string(i * i) + '\n';
  heed::test::write_file(text, content);
  finished_run(folder, {"task={name: text, path: corpus.txt, length: 16}"});
  CHECK(verify(folder).code == 0);

  SECTION("a text that changed") { heed::test::write_file(text, content + "more\n"); }
  SECTION("a text that is gone") { fs::remove(text); }
  const Ended ended = verify(folder);
  CHECK(ended.code == 74);
  CHECK_THAT(ended.out,
             ContainsSubstring(" and 3 more could not be run again: ") && ContainsSubstring("corpus.txt") &&
                 ContainsSubstring("0 trials run again: 0 equal to the bit, 0 different. 0 numbers "
                                   "compared.\n4 trials could not be run again.\n") &&
                 !ContainsSubstring("recorded, but not there again"));
  CHECK_THAT(ended.err, ContainsSubstring("failed after 0 steps") && !ContainsSubstring("corpus.txt"));
}

TEST_CASE("verify: a damaged trial is named with the remedy, and the others are verified") {
  const TempFolder folder;
  finished_run(folder);
  const heed::RunDirectory directory(folder / "r");
  const std::string body = heed::test::read_file(directory.trial(ids(folder)[0]));
  heed::test::write_file(directory.trial(ids(folder)[0]), body.substr(0, body.size() / 2));  // cut
  std::string bytes = heed::test::read_file(directory.trial(ids(folder)[1]));
  bytes[bytes.size() / 2] ^= 1;
  heed::test::write_file(directory.trial(ids(folder)[1]), bytes);
  const Ended ended = verify(folder);
  CHECK(ended.code == 74);
  CHECK_THAT(ended.out, ContainsSubstring("2 trials run again: 2 equal to the bit, 0 different.") &&
                            ContainsSubstring("2 trials could not be run again.") &&
                            ContainsSubstring(ids(folder)[0] + "  softmax seed=0 could not be run again: ") &&
                            ContainsSubstring("Remove the file: the next `heed run` runs its trial again."));
  // The same of the table.
  for (int time = 0; time < 2; ++time) {
    const Ended compared = heed::test::heed(folder.path(), {"compare", "r"});
    CHECK(compared.code == 1);
    CHECK_THAT(compared.err,
               ContainsSubstring("Left out, damaged: ") && ContainsSubstring("Remove the file"));
  }
}

TEST_CASE("verify: a difference counts more than what could not be run again") {
  const TempFolder folder;
  finished_run(folder);
  spoil(folder, ids(folder)[0], [](Record& r) { metric(r, "test_loss").value += 1; });
  spoil(folder, ids(folder)[1], [](Record& r) { r.config = "variant: softmax\n"; });
  const Ended ended = verify(folder);
  CHECK(ended.code == 1);
  CHECK_THAT(ended.out, ContainsSubstring("1 trial could not be run again.") &&
                            ContainsSubstring("2 equal to the bit, 1 different"));
}

TEST_CASE("verify: a plugin that was built again is named") {
  const TempFolder folder;
  const fs::path plugin = folder / "faulty.so";
  fs::copy_file(heed::test::build_dir() / "plugins/faulty.so", plugin);
  finished_run(folder, {"--plugin", plugin.string(), "variants=[faulty_scaled]", "sweep.seeds=1"});
  CHECK(verify(folder).code == 0);
  heed::test::write_file(plugin, heed::test::read_file(plugin) + "more");
  const Ended changed = verify(folder);
  CHECK(changed.code == 74);
  CHECK_THAT(changed.out, ContainsSubstring("faulty_scaled seed=0 could not be run again: ") &&
                              ContainsSubstring("faulty.so"));
  fs::remove(plugin);
  CHECK(verify(folder).code == 74);
}

TEST_CASE("heed run: relative paths of texts become absolute, and a text is identified by its content") {
  const TempFolder folder;
  std::string content;
  for (int i = 0; i < 400; ++i) content += "line " + std::to_string(i * i) + '\n';
  fs::create_directories(folder / "sweeps/elsewhere");
  heed::test::write_file(folder / "sweeps/corpus.txt", content);
  const std::string smoke = heed::test::read_file(heed::test::source_dir() / "configs/smoke.yaml");
  std::string sweep = smoke;
  const std::size_t task = sweep.find("task:");
  sweep.replace(task, sweep.find('\n', task) - task, "task: {name: text, path: corpus.txt, length: 16}");
  heed::test::write_file(folder / "sweeps/a.yaml", sweep);
  // Beside the sweep file, from whatever folder.
  REQUIRE(heed::test::heed(folder.path(), {"run", "sweeps/a.yaml", "-o", "r"}).code == 0);
  const std::string whole = (folder / "sweeps/corpus.txt").string();
  CHECK_THAT(heed::test::read_file(folder / "r/sweep.yaml"), ContainsSubstring(whole));
  CHECK(heed::test::heed(folder / "sweeps/elsewhere", {"verify", "../../r", "--sample", "1"}).code == 0);
  const auto nothing_to_run = [&](const fs::path& from, const Words& words) {
    const Ended ended = heed::test::heed(from, words);
    INFO(ended.err);
    CHECK(ended.code == 0);
    CHECK_THAT(ended.err, ContainsSubstring("Nothing to run"));
  };
  nothing_to_run(folder / "sweeps/elsewhere", {"run", "../../r/sweep.yaml", "-o", "../../r"});
  // Moved, it is the same text: no trial runs again.
  fs::rename(folder / "sweeps/corpus.txt", folder / "sweeps/elsewhere/moved.txt");
  nothing_to_run(folder / "sweeps/elsewhere", {"run", "../a.yaml", "task.path=moved.txt", "-o", "../../r"});
}
