// What the command line changes in a sweep file.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/experiments/sweep/sweep_text.h"
#include "tests/message.h"

using namespace heed;
using namespace heed::test;

namespace {

std::vector<std::string> notes_of(const std::vector<std::string>& overrides) {
  heed::Problems problems;
  heed::Registry all = heed::test::fake_registry();
  const auto file = heed::parse_sweep_file("variants: [softmax]\ntask: {name: mqar, length: 8}\n", "f.yaml",
                                           overrides, all, problems);
  return file.value().notes;
}

}  // namespace

TEST_CASE("overrides: a key that is set twice is noted, and the last value counts") {
  const auto notes = notes_of({"train.lr=1", "train.steps=5", "train.lr=2"});
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes[0], ContainsSubstring("train.lr is set 2 times") && ContainsSubstring("2 counts"));
  CHECK(good("variants: [softmax]\ntask: mqar\n", {"train.lr=1", "train.lr=2"}).trials[0].config.train.lr ==
        2);
}

TEST_CASE("overrides: one whose change a later one undoes is noted") {
  const auto notes = [](const std::vector<std::string>& overrides) {
    return fmt::format("{}", fmt::join(notes_of(overrides), "\n"));
  };
  CHECK(
      notes({"variants.softmax.temperature=3", "variants=[softmax]"}) ==
      "variants.softmax.temperature=3 has no effect: variants=[softmax] comes later on the command line and "
      "replaces it.");
  CHECK_THAT(notes({"train.steps=5", "train={lr: 0.1}"}),
             ContainsSubstring("train.steps=5 has no effect: train={lr: 0.1} comes later"));
  CHECK_THAT(notes({"sweep.seeds=3", "train.lr=1", "sweep={parameters: {train.clip: [1]}}"}),
             ContainsSubstring("sweep.seeds=3 has no effect") && !ContainsSubstring("of the file"));
  CHECK_THAT(
      notes({"compare.metric=test_loss", "compare={reference: softmax}"}),
      ContainsSubstring("compare.metric=test_loss has no effect") && !ContainsSubstring("of the file"));
  CHECK_THAT(notes({"train.lr=[1, 2]", "sweep={seeds: 2}"}),
             ContainsSubstring("train.lr=[1, 2] has no effect"));
  CHECK_THAT(notes({"variants.softmax.temperature=3", "variants[0].softmax.temperature=4"}),
             ContainsSubstring("variants.softmax.temperature=3 has no effect"));
  CHECK_THAT(notes({"task.length=16", "task=text"}), ContainsSubstring("task.length=16 has no effect"));
  CHECK_THAT(notes({"tasks=[mqar]", "task=text"}), ContainsSubstring("tasks=[mqar] has no effect"));
  CHECK_THAT(notes({"train.lr=1", "sweep.parameters.train.lr=[2, 3]"}),
             ContainsSubstring("train.lr is set 2 times") && ContainsSubstring("[2, 3] counts"));
  // The section first, other keys, a later one that needs the earlier one.
  CHECK(notes({"train={lr: 0.1}", "train.steps=5"}) == "");
  CHECK(notes({"train.steps=5", "train.lr=1", "sweep.seeds=3", "variants.softmax.temperature=3"}) == "");
  CHECK(notes({"variants=[window]", "variants.window.size=3"}) == "");
}

TEST_CASE("overrides: a section that is replaced as a whole is noted") {
  const auto notes = [](const std::string& override_text) { return notes_of({override_text}); };
  REQUIRE(notes("task=text").size() == 1);
  CHECK_THAT(notes("task=text")[0],
             ContainsSubstring("task.length") && ContainsSubstring("write task.KEY=value"));
  CHECK(notes("task.name=mqar").empty());
  CHECK(notes("train.lr=1").empty());
}

TEST_CASE("overrides: the path of a message is an override, too") {
  const std::string text =
      "task: mqar\nvariants: [softmax, window, {stack: [softmax, window]}, {window: {size: 3}}]\n";
  CHECK(labels(good(text, {"variants[1].window.size=4", "variants[2].stack[1].window.size=[5, 6]"})) ==
        Texts{"softmax", "window(size=4)", "softmax+window(size=5)", "softmax+window(size=6)",
              "window(size=3)"});
  for (const char* path : {"variants[4].window.size=4", "variants[0].window.size=4", "variants[0].size=4",
                           "variants[x].window.size=4", "variants[1].stack[0].window.size=4", "variants[1=4"})
    CHECK_THAT(wrong(text, {path}), ContainsSubstring("write variants.NAME.OPTION=value"));
}

TEST_CASE("overrides: they change any key, and lists make axes") {
  CHECK(rates(good(kSmall, {"train.lr=0.5"})) == std::vector<double>{0.5});
  CHECK(rates(good(kSmall, {"train.lr=[1e-3,3e-3]"})) == std::vector<double>{0.001, 0.003});
  CHECK(good(kSmall, {"sweep.seeds=3"}).trials.size() == 3);
  CHECK(good(kSmall, {"name=other"}).name == "other");
  CHECK(labels(good(kSmall, {"variants=[linear, window]"})) == Texts{"linear", "window"});
  CHECK(labels(good(kSmall, {"variants=[linear, window]", "variants.window.size=[3, 4]"})) ==
        Texts{"linear", "window(size=3)", "window(size=4)"});
  CHECK(labels(good(kSmall, {"variants=[{stack: [softmax, window]}]", "variants.window.size=[3, 4]"})) ==
        Texts{"softmax+window(size=3)", "softmax+window(size=4)"});
  const std::string grows =
      "variants=[{grow: [{tokenformer: {tokens: 2}, steps: 1}, {tokenformer: {tokens: 4}}]}]";
  CHECK(good(kSmall, {grows}).trials.size() > 0);
  CHECK(wrong(kSmall, {grows, "variants.tokenformer.tokens=4"}) ==  // of both stages
        "command line: variants[0].grow: the stages are equally large: no parameter gets more rows. A later "
        "stage needs more parameter tokens.");
  CHECK(good(kSmall, {"task.shares=[0.5, 0.5]"}).trials.size() == 1);
  CHECK(good(kSmall, {"task.shares=[[0.5, 0.5], [1, 0]]"}).trials.size() == 2);
  const Sweep positions = good(kSmall, {"model.positions=[{rope: {base: 500}}, learned]"});
  REQUIRE(positions.trials.size() == 2);
  CHECK(positions.trials[0].setting == "positions=rope(base=500)");
  CHECK(positions.trials[1].setting == "positions=learned");
  CHECK(good(kSmall, {"model.positions.rope.base=100"}).trials[0].config.positions.options.canonical() ==
        "{base: 100}");
  CHECK(good(kSmall, {"task=text", "task.path=b.txt"}).trials[0].config.task.name == "text");
  SECTION("an override of a swept key replaces its axis") {
    const std::string swept = kSmall + "sweep: {parameters: {train.lr: [0.1, 0.2]}}\n";
    CHECK(rates(good(swept, {"train.lr=0.3"})) == std::vector<double>{0.3});
    CHECK(rates(good(swept, {"train.lr=[0.3, 0.4]"})) == std::vector<double>{0.3, 0.4});
    CHECK(rates(good(swept, {"sweep.parameters.train.lr=[0.5]"})) == std::vector<double>{0.5});
  }
  SECTION("the place of a mistake is the command line") {
    CHECK(missing(wrong(kSmall, {"train.lr=fast"}), {"command line: train.lr:", "a number", "'fast'"}) == "");
    CHECK(missing(wrong(kSmall, {"trian.lr=1"}),
                  {"command line: trian:", "Did you mean 'train'?", "Known: name, variants,"}) == "");
    CHECK(missing(wrong(kSmall, {"train.lr"}), {"command line: 'train.lr'", "key=value"}) == "");
    CHECK(missing(wrong(kSmall, {"train.lr="}), {"command line: train.lr:", "missing after '='"}) == "");
    CHECK(missing(wrong(kSmall, {"variants.linear.features=elu"}),
                  {"command line: variants.linear.features:", "variants.NAME.OPTION=value"}) == "");
  }
  SECTION("what the file compares by may be gone: the first variant is the reference, nothing is selected") {
    const std::string compared =
        "variants: [softmax, window]\ntask: mqar\nsweep: {parameters: {train.lr: [0.1, "
        "0.2]}}\ncompare: {reference: softmax, select: train.lr}\n";
    const auto settled = [](const std::string& text, const Texts& overrides) {
      heed::Registry registry = heed::test::fake_registry();
      heed::Problems problems;
      const auto file = heed::parse_sweep_file(text, "f.yaml", overrides, registry, problems);
      const heed::CompareOptions compare = good(text, overrides).compare;
      // The text for the run directory says the same without the overrides.
      CHECK(good(file->text).compare.reference == compare.reference);
      CHECK(good(file->text).compare.select == compare.select);
      return Texts{compare.reference, compare.select, fmt::format("{}", fmt::join(file->notes, "\n"))};
    };
    CHECK(settled(compared, {}) == Texts{"softmax", "train.lr", ""});
    CHECK(settled(compared, {"variants=[linear, softmax]"}) == Texts{"softmax", "train.lr", ""});
    CHECK(settled(compared, {"variants=[linear, {window: {size: 3}}]"}) ==
          Texts{"linear", "train.lr",
                "compare.reference: 'softmax' is not among the variants of the command line; the first of "
                "them, 'linear', becomes the reference."});
    CHECK(settled(compared, {"train.lr=0.3"}) ==
          Texts{"softmax", "",
                "compare.select: 'train.lr' has one value on the command line; nothing is selected."});
    CHECK(settled(compared, {"train.lr=[0.3, 0.4]"}) == Texts{"softmax", "train.lr", ""});
    CHECK(settled("variants: [window]\ntask: mqar\ncompare: {reference: window}\n",
                  {"variants.window.size=[3, 4]"})[0] == "window(size=3)");
    // What is wrong by itself is refused all the same.
    CHECK(wrong("variants: [softmax]\ntask: mqar\ncompare: {reference: sofmax}\n",
                {"variants=[softmax, linear]"}) ==
          "f.yaml:3:22: compare.reference: 'sofmax' is no variant of this sweep. Did you mean 'softmax'? "
          "Known: "
          "softmax, linear.");
    CHECK(wrong(compared, {"variants=[linear]", "compare.reference=softmax"}) ==
          "command line: compare.reference: 'softmax' is no variant of this sweep. Known: linear.");
  }
  SECTION("the text for the run directory has them, and reads back to the same trials") {
    heed::Registry registry = heed::test::fake_registry();
    heed::Problems problems;
    const std::string text = kSmall + "# why\n";
    CHECK(heed::parse_sweep_file(text, "f.yaml", {}, registry, problems)->text == text);
    const Texts overrides = {"train.lr=[1e-3, 3e-3]", "variants=[{window: {size: [2, 3]}}, linear]"};
    const auto file = heed::parse_sweep_file(text, "f.yaml", overrides, registry, problems);
    CHECK(problems.empty());
    CHECK(ids(good(file->text)) == ids(good(text, overrides)));
  }
}
