#include "experiments/trial/yaml.h"

#include <filesystem>
#include <string>

#include "results/errors.h"
#include "tests/catch.h"
#include "tests/message.h"

namespace {

using heed::Config;
using heed::test::missing;

// The tree of a text without mistakes.
Config good(const std::string& text) {
  heed::Problems problems;
  const auto tree = heed::parse_yaml(text, "f.yaml", problems);
  for (const std::string& line : problems.lines()) FAIL_CHECK(line);
  REQUIRE(tree);
  return *tree;
}

// Everything that is wrong with a text, a line each; `readable` says whether there is a tree nevertheless.
std::string wrong(const std::string& text, bool readable) {
  heed::Problems problems;
  const auto tree = heed::parse_yaml(text, "f.yaml", problems);
  CHECK(tree.has_value() == readable);
  std::string lines;
  for (const std::string& line : problems.lines()) lines += (lines.empty() ? "" : "\n") + line;
  return lines;
}

std::string unreadable(const std::string& text) { return wrong(text, false); }
std::string refused(const std::string& text) { return wrong(text, true); }

}  // namespace

TEST_CASE("yaml: a document becomes a tree with places") {
  const Config tree = good(
      "# comment\n"
      "name: recall\n"
      "train: {lr: 1e-3, steps: 20}\n"
      "list:\n"
      "  - softmax\n"
      "  - window: {size: [8, 16]}\n"
      "word: \"1\"\n"
      "empty:\n");
  REQUIRE(tree.is_map());
  CHECK(tree.find("name")->text() == "recall");
  CHECK(tree.find("name")->place().to_string() == "f.yaml:2:7");
  CHECK(tree.entries()[1].key_place.to_string() == "f.yaml:3:1");
  CHECK(tree.find_path("train.lr")->place().to_string() == "f.yaml:3:13");
  const Config& window = *tree.find("list")->items()[1].find("window");
  CHECK(window.find("size")->items()[1].place().to_string() == "f.yaml:6:24");
  CHECK(tree.find("word")->quoted());
  CHECK_FALSE(tree.find("name")->quoted());
  CHECK(tree.find("empty")->is_null());
  CHECK(tree.find("empty")->place().to_string() == "f.yaml:8:1");
}

TEST_CASE(
    "yaml: comments, order of keys, line ends and spelling of numbers do not change the canonical text") {
  const std::string one = good("a: 1e-3\nb: {c: [1, 2], d: x}\n").canonical();
  CHECK(good("b:\n  d: x  # why\n  c:\n    - 1\n    - 2\na: 0.001\n").canonical() == one);
  CHECK(good("\xEF\xBB\xBF"
             "a: 0.0010\r\nb: {d: 'x', c: [1, 2]}\r\n")
            .find("a")
            ->canonical() == "0.001");
  CHECK(good("---\na: 0.001\nb: {c: [1, 2], d: x}\n...\n").canonical() == one);
}

TEST_CASE("yaml: columns count characters, not bytes") {
  CHECK(good("{näme: ä, b: 1}").find("b")->place().to_string() == "f.yaml:1:14");
}

TEST_CASE("yaml: a text that is not YAML is refused with its place") {
  CHECK(missing(unreadable("a: [1, 2\n"), {"f.yaml:2:1:", "a list is not closed: a ']'"}) == "");
  CHECK(missing(unreadable("a: {b: 1\n"), {"f.yaml:2:1:", "a map is not closed: a '}'"}) == "");
  CHECK(missing(unreadable("a: b: c\n"), {"f.yaml:1:5:", "a ': ' cannot be here"}) == "");
  CHECK(missing(unreadable("a: ]\n"), {"f.yaml:1:4:", "closes nothing"}) == "");
  CHECK(missing(unreadable("a: @b\n"), {"f.yaml:1:4:", "put the text in quotes"}) == "");
  CHECK(missing(unreadable("a:\n\tb: 1\n"), {"f.yaml:2:1:", "this is a tab; indent with spaces."}) == "");
  CHECK(missing(unreadable("\x89HDF\r\n\x1a\n"), {"f.yaml:1:1:", "this is an HDF5 file"}) == "");
  CHECK(missing(unreadable(""), {"f.yaml:1:1:", "empty"}) == "");
  CHECK(missing(unreadable("# only a comment\n"), {"f.yaml:1:1:", "empty"}) == "");
}

TEST_CASE("yaml: what follows the document is refused and read no further") {
  CHECK(missing(unreadable("a: 1\n---\nb: 2\n"), {"f.yaml:2:1:", "after the end of the document"}) == "");
  CHECK(missing(unreadable(",\na: 1\n"), {"f.yaml:1:1:", "after the end of the document"}) == "");
  CHECK(missing(unreadable("{a: 1} b\n"), {"f.yaml:1:8:", "after the end of the document"}) == "");
}

TEST_CASE("yaml: bytes are checked before anything is parsed") {
  CHECK(missing(unreadable("a: \xff\n"), {"f.yaml:1:4:", "UTF-8"}) == "");
  CHECK(missing(unreadable("a: \xC0\xAF\n"), {"f.yaml:1:4:", "UTF-8"}) == "");
  CHECK(missing(unreadable("a: \xED\xA0\x80\n"), {"f.yaml:1:4:", "UTF-8"}) == "");
  CHECK(missing(unreadable("a: \xE2\x82"), {"f.yaml:1:4:", "UTF-8"}) == "");
  CHECK(missing(unreadable(std::string("a: b\0c\n", 7)), {"f.yaml:1:5:", "control character"}) == "");
  CHECK(missing(unreadable("a: b\rc: d\n"), {"f.yaml:1:5:", "control character"}) == "");
  CHECK(missing(unreadable("a: \xC2\x85\n"), {"f.yaml:1:4:", "control character"}) == "");
  CHECK(missing(unreadable("a: " + std::string(1 << 20, 'x')),
                {"f.yaml:1:1:", "at most 1048576 are allowed"}) == "");
}

TEST_CASE("yaml: nesting and number of values are bounded") {
  const auto nested = [](int n) { return std::string(n, '[') + std::string(n, ']'); };
  CHECK(good(nested(32)).is_sequence());
  CHECK(missing(unreadable(nested(33)), {"f.yaml:1:33:", "more than 32 levels"}) == "");
  CHECK(missing(unreadable("a: b\nc: " + std::string(100000, '[') + std::string(100000, ']')),
                {"f.yaml:2:35:", "more than 32 levels"}) == "");
  std::string many = "[";
  for (int i = 0; i < 100000; ++i) many += "1,";
  CHECK_THAT(unreadable(many + "1]"), ContainsSubstring("there are more than 100000 values."));
}

TEST_CASE("yaml: duplicate keys, aliases, anchors, tags and leading zeros are refused together") {
  CHECK(missing(refused("a: 1\nb: 2\na: 3\n"), {"f.yaml:3:1:", "'a' is a duplicate key", "line 1"}) == "");
  CHECK(refused("a: {b: 1, b: 2}\n") == "f.yaml:1:11: 'b' is a duplicate key; it is already on line 1.");
  heed::Problems problems;
  CHECK(heed::parse_yaml_value("{a: 1, a: 2}", "command line", problems)->canonical() == "{a: 1}");
  REQUIRE(problems.lines().size() == 1);
  CHECK_THAT(problems.lines()[0], ContainsSubstring("'a' is a duplicate key; it is already in this map."));
  CHECK_THAT(refused("a: &x 1\nb: *x\nc: !!str 1\nd: 010\n"),
             ContainsSubstring("f.yaml:1:4: anchors") && ContainsSubstring("\nf.yaml:2:4: aliases") &&
                 ContainsSubstring("\nf.yaml:3:4: tags") && ContainsSubstring("\nf.yaml:4:4: 010"));
  CHECK_THAT(refused("a: [&b [*b]]\n"),
             ContainsSubstring("f.yaml:1:5: anchors") && ContainsSubstring("\nf.yaml:1:9: aliases"));
  CHECK(good("a: \"010\"\nb: 0.10\nc: 0\nd: 1e-05\n").find("a")->text() == "010");
}

TEST_CASE("yaml: keys are words") {
  CHECK(good("{" + std::string(1000, 'k') + ": 1}\n").entries().size() == 1);
  CHECK(missing(unreadable("{a: 1, " + std::string(1025, 'k') + ": 1}\n"),
                {"f.yaml:1:8:", "a key has more than 1024 characters"}) == "");
  CHECK(missing(unreadable("[1, 2]: 3\n"), {"f.yaml:1:1:", "bracket left open?"}) == "");
  CHECK(missing(unreadable("? {a: 1}\n: 3\n"), {"f.yaml:1:3:", "bracket left open?"}) == "");
}

TEST_CASE("yaml: the position of a value on the command line is the command line") {
  heed::Problems problems;
  const auto list = heed::parse_yaml_value("[1e-3, 3e-3]", "command line", problems);
  REQUIRE(list);
  CHECK(list->items()[1].place().to_string() == "command line");
  CHECK_FALSE(heed::parse_yaml_value("[1", "command line", problems));
  CHECK(problems.lines().at(0) ==
        "command line: a key must be a word, not a list or a map. Is a bracket left open?");
}

TEST_CASE("yaml: a file that is not there is an input error") {
  heed::Problems problems;
  CHECK_THROWS_AS(heed::read_yaml("no/such/file.yaml", problems), heed::results::IoError);
}
