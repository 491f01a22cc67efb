// heed compare: what it refuses, what it says, and what it takes.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "results/comparison.h"
#include "results/table.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/results/temp_folder.h"

using namespace heed::test;

namespace {

Ended compare(const TempFolder& folder, Words words) {
  words.insert(words.begin(), "compare");
  return heed::test::heed(folder.path(), words);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++n;
  return n;
}

}  // namespace

TEST_CASE("compare: times of two loads get no verdict, and the load is recorded") {
  const TempFolder folder;
  const Words sweep = {"variants=[softmax: {tile: [64, 65]}]", "sweep.seeds=6",
                       "compare.metric=step_milliseconds"};
  const auto run = [&](Words more, const char* jobs) {
    return run_smoke(folder, "r", with(with(sweep, more), {"-j", jobs}));
  };
  REQUIRE(run({"variants=[softmax: {tile: [64]}]"}, "3").code == 0);
  const Ended both = run({}, "1");
  CHECK(both.code == 0);
  CHECK_THAT(both.out, ContainsSubstring("6 of 6 pairs are not compared") &&
                           ContainsSubstring("jobs (3, 1)") && !ContainsSubstring("verdict"));
  const heed::results::Results results = heed::results::read_results(folder / "r/results.h5");
  CHECK(results.numbers("jobs") == std::vector<double>{3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1});
  CHECK(results.numbers("threads") == std::vector<double>(12, 1));
  // A run trains its trials under one load, and another run under another.
  const std::vector<std::string> runs = results.texts("run");
  CHECK(std::set<std::string>(runs.begin(), runs.end()).size() == 2);
  CHECK((runs[0] != runs[1] && runs[0] == runs[2] && runs[1] == runs[3]));
  // What does not depend on the load is compared.
  CHECK_THAT(compare(folder, {"r", "--metric", "test_loss"}).out, ContainsSubstring("verdict"));
}

TEST_CASE("compare: times get a verdict only for trials of one run") {
  const TempFolder folder;
  const Words sweep = {"sweep.seeds=6", "compare.metric=step_milliseconds"};
  const auto run = [&](const char* out, const char* variants) {
    return run_smoke(folder, out, with(with(sweep, {variants}), {"-j", "1"}));
  };
  const char* const both = "variants=[softmax: {tile: [64, 65]}]";
  const Ended at_once = run("at_once", both);
  CHECK(at_once.code == 0);
  CHECK_THAT(at_once.out, ContainsSubstring("verdict") && !ContainsSubstring("not compared"));
  REQUIRE(run("added", "variants=[softmax: {tile: [64]}]").code == 0);
  const Ended added = run("added", both);
  CHECK(added.code == 0);
  CHECK_THAT(added.out, ContainsSubstring("6 of 6 pairs are not compared") &&
                            ContainsSubstring(": run (20") && !ContainsSubstring("jobs (") &&
                            !ContainsSubstring("verdict"));
  CHECK_THAT(compare(folder, {"added", "--metric", "peak_memory_bytes"}).out, ContainsSubstring("verdict"));
}

TEST_CASE(
    "compare: --by test_length prints a table for each length of task.test_lengths, also of several runs") {
  const TempFolder folder;
  const Words sweep = {"model.positions=none", "sweep.seeds=1"};
  const auto run = [&](const char* out, const std::string& lengths) {
    Words words = sweep;
    words.push_back("task.test_lengths=" + lengths);
    return run_smoke(folder, out, words);
  };
  REQUIRE(run("r", "[24, 16]").code == 0);
  REQUIRE(run("s", "[20, 24]").code == 0);
  const Ended one = compare(folder, {"r", "--by", "test_length"});
  CHECK(one.code == 0);
  CHECK_THAT(one.out, ContainsSubstring("test_length = 16") && ContainsSubstring("test_length = 24") &&
                          ContainsSubstring("test_accuracy_by_length"));
  const Ended both = compare(folder, {"r", "s", "--by", "test_length"});
  CHECK(both.code == 0);
  CHECK_THAT(both.out, ContainsSubstring("test_length = 20"));
  CHECK(compare(folder, {"r", "--by", "test_length", "--metric", "test_loss"}).code == 2);
  // A trial that is run again gives the same accuracies.
  CHECK(heed::test::heed(folder.path(), {"verify", "r", "--sample", "1"}).code == 0);

  REQUIRE(run_smoke(folder, "without", sweep).code == 0);
  const Ended none = compare(folder, {"without", "--by", "test_length"});
  CHECK(none.code == 64);
  CHECK_THAT(none.err, ContainsSubstring("task.test_lengths"));
}

TEST_CASE("compare: an unknown reference gets the nearest variant, and each variant once") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {}).code == 0);
  const Ended ended = compare(folder, {"r", "--reference", "sofmax"});
  CHECK(ended.code == 64);
  CHECK_THAT(ended.err,
             ContainsSubstring("no variant 'sofmax'. Did you mean 'softmax'? Known: softmax, linear."));
}

TEST_CASE("compare: a selection of the sweep file can be taken away") {
  const TempFolder folder;
  const Ended selected =
      run_smoke(folder, "r", {"train.lr=[0.01, 0.001, 0.0001]", "compare.select=train.lr", "sweep.seeds=1"});
  CHECK(selected.code == 0);
  CHECK_THAT(selected.out, ContainsSubstring("lr is chosen by"));
  const Ended refused = compare(folder, {"r", "--by", "train.lr"});
  CHECK(refused.code == 64);
  CHECK_THAT(refused.err,
             ContainsSubstring("'train.lr' is chosen on validation") && ContainsSubstring("--select none"));
  const Ended all = compare(folder, {"r", "--by", "train.lr", "--select", "none"});
  CHECK(all.code == 0);
  CHECK_THAT(all.out, ContainsSubstring("lr = 0.01\n") && ContainsSubstring("lr = 0.0001\n"));
  CHECK(heed::test::heed(folder.path(), {"report", "r", "--select", "none"}).code == 0);
  CHECK_THAT(
      run_smoke(folder, "r", {"train.lr=[0.01, 0.001, 0.0001]", "compare.select=none", "sweep.seeds=1"}).out,
      !ContainsSubstring("is chosen by"));
}

TEST_CASE("compare and report: a value at the edge of what was tried is named by variant") {
  const TempFolder folder;
  const Ended ended =
      run_smoke(folder, "r", {"train.lr=[0.01, 1e-6, 1e-7]", "compare.select=train.lr", "sweep.seeds=1"});
  CHECK_THAT(ended.out, ContainsSubstring("The chosen lr is at the edge of what was tried for ") &&
                            ContainsSubstring("the largest"));
  CHECK_THAT(read_file(folder / "r/report.html"), ContainsSubstring("at the edge of what was tried"));
  CHECK_THAT(compare(folder, {"r", "--json"}).out, ContainsSubstring("\"edge\": \"largest\""));
}

TEST_CASE("compare: several sweeps are compared as one") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "a", {"variants=[softmax]"}).code == 0);
  REQUIRE(run_smoke(folder, "b", {"variants=[linear]", "sweep.seeds=3"}).code == 0);
  REQUIRE(run_smoke(folder, "both", {"sweep.seeds=3"}).code == 0);
  const Ended joined = compare(folder, {"a", "b"});
  CHECK(joined.code == 0);
  CHECK_THAT(joined.out, ContainsSubstring("test_accuracy against softmax") &&
                             ContainsSubstring("1 pair is left out of comparisons"));
  // The same sweep twice is that sweep, but for its digests.
  const auto without_digest = [](const std::string& text) { return text.substr(0, text.find("digest: ")); };
  CHECK(without_digest(compare(folder, {"both", "both"}).out) ==
        without_digest(compare(folder, {"both"}).out));
  CHECK(count(compare(folder, {"a", "b/results.h5"}).out,
              heed::results::content_digest(folder / "b/results.h5")) == 1);
  // Other steps are another setting.
  REQUIRE(run_smoke(folder, "long", {"variants=[linear]", "train.steps=30"}).code == 0);
  CHECK_THAT(compare(folder, {"a", "long"}).out,
             ContainsSubstring("steps") && ContainsSubstring("1 row is not compared"));
  // Sweeps of two tasks have a table for each.
  REQUIRE(run_smoke(folder, "copy", {"task={name: copy, length: 16, vocab: 16, tokens: 4}", "sweep.seeds=1"})
              .code == 0);
  const std::string tables = compare(folder, {"both", "copy"}).out;
  CHECK_THAT(tables, ContainsSubstring("task = mqar") && ContainsSubstring("task = copy"));
  CHECK_THAT(tables, !ContainsSubstring("has no row of the same setting"));
}

TEST_CASE("compare: the reference is found in sweeps that use one label for different variants") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "a", {"variants=[softmax]"}).code == 0);
  REQUIRE(run_smoke(folder, "b", {"variants=[softmax: {scale: 3}]"}).code == 0);
  REQUIRE(run_smoke(folder, "c", {"variants=[{linear: {}, label: base}]"}).code == 0);
  REQUIRE(run_smoke(folder, "d", {"variants=[{softmax: {}, label: base}]"}).code == 0);
  const auto good = [&](const Words& words, const std::string& part) {
    const Ended ended = compare(folder, words);
    CHECK(ended.code == 0);
    CHECK_THAT(ended.out, ContainsSubstring(part) && ContainsSubstring("verdict") &&
                              !ContainsSubstring("nothing is compared"));
  };
  good({"a", "b"}, "test_accuracy against softmax(scale=0)");
  good({"a", "b", "--reference", "softmax"}, "test_accuracy against softmax(scale=0)");
  good({"a", "b", "--reference", "softmax(scale=3)"}, "test_accuracy against softmax(scale=3)");
  good({"c", "d"}, "test_accuracy against base(name=linear)");
}

TEST_CASE("compare: a comparison without a reference fails, with the remedy") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {"--part", "0/2", "sweep.seeds=1", "variants=[linear, softmax]"}).code == 0);
  const Ended ended = compare(folder, {"r", "--metric", "test_loss"});
  CHECK(ended.code == 0);  // of the reference
  const Ended other = compare(folder, {"r", "--reference", "softmax"});
  CHECK(other.code == 64);
  REQUIRE(run_smoke(folder, "s", {"--part", "1/2", "sweep.seeds=1", "variants=[linear, softmax]"}).code == 0);
  const Ended missing = compare(folder, {"s"});
  CHECK(missing.code == 1);
  CHECK_THAT(missing.out, ContainsSubstring("no trial of the reference 'linear': nothing is compared. "
                                            "--reference chooses another one: softmax."));
}

TEST_CASE("compare: a reference that sets the selected parameter is refused with the remedy") {
  const TempFolder folder;
  REQUIRE(
      run_smoke(folder, "r", {"train.lr=[0.01, 0.001]", "compare.select=train.lr", "sweep.seeds=1"}).code ==
      0);
  const Words words = {"r", "--reference", "{variant: softmax, train.lr: 0.001}"};
  const Ended refused = compare(folder, words);
  CHECK(refused.code == 64);
  CHECK_THAT(refused.err,
             ContainsSubstring("compare.select chooses train.lr") && ContainsSubstring("--select none"));
  const Ended all = compare(folder, with(words, {"--select", "none"}));
  CHECK(all.code == 0);
  CHECK_THAT(all.out, ContainsSubstring("against softmax (lr=0.001)"));
}

TEST_CASE("compare: seeds of only one row are no missing values") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "a", {"variants=[softmax]", "sweep.seeds=[0, 1]"}).code == 0);
  REQUIRE(run_smoke(folder, "b", {"variants=[linear]", "sweep.seeds=[2, 3]"}).code == 0);
  CHECK_THAT(compare(folder, {"a", "b"}).out,
             ContainsSubstring(
                 "4 pairs are left out of comparisons: only one of the two rows has a value for the seed."));
}

TEST_CASE("messages: a value of a million letters is cut in every message") {
  const TempFolder folder;
  REQUIRE(run_smoke(folder, "r", {"sweep.seeds=1"}).code == 0);
  const std::string letters(1000000, 'x');
  const std::string text = read_file(heed::test::smoke());
  const auto check = [&](const std::string& what, const Words& words) {
    INFO(what);
    const Ended ended = heed::test::heed(folder.path(), words);
    CHECK(ended.code != 0);
    CHECK(ended.err.size() < 3000);
    CHECK_THAT(ended.err, ContainsSubstring("xxx…"));
  };
  for (const std::string section : {"compare: {reference: ", "compare: {metric: ", "compare: {select: ",
                                    "save: [", "plugins: [", "limits: {time: ", "model: {positions: "}) {
    std::string sweep = text;
    const std::size_t old = sweep.find('\n' + section.substr(0, section.find(':') + 1));
    if (old != std::string::npos) sweep.erase(old, sweep.find('\n', old + 1) - old);
    sweep += '\n' + section + letters.substr(0, 900000) + (section.back() == '[' ? "]\n" : "}\n");
    write_file(folder / "long.yaml", sweep);
    check(section, {"plan", "long.yaml"});
  }
  const std::string word = letters.substr(0, 100000);  // Linux takes no longer one
  for (const char* key :
       {"variants=", "task=", "name=", "train.lr=", "model.feed_forward=", "train.checkpoint="})
    check(key, {"plan", heed::test::smoke(), key + word});
  check("override", {"plan", heed::test::smoke(), word});
  check("path", {"plan", heed::test::smoke(), word + "=1"});
  for (const char* option : {"--reference", "--metric", "--select", "--by"})
    check(option, {"compare", "r", option, word});
  check("part", {"run", heed::test::smoke(), "--part", word});
  check("verb", {word});
  check("list", {"list", word});
  check("trial", {"verify", "r", "--trial", word});
}
