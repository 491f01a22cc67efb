#include "experiments/trial/yaml.h"

#include <filesystem>
#include <string>

#include "results/errors.h"
#include "tests/catch.h"

namespace {

using heed::Config;

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
  for (const std::string& line : problems.lines()) lines += line + '\n';
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
  CHECK(tree.find("name")->place().text() == "f.yaml:2:7");
  CHECK(tree.entries()[1].key_place.text() == "f.yaml:3:1");
  CHECK(tree.find_path("train.lr")->place().text() == "f.yaml:3:13");
  const Config& window = *tree.find("list")->items()[1].find("window");
  CHECK(window.find("size")->items()[1].place().text() == "f.yaml:6:24");
  CHECK(tree.find("word")->quoted());
  CHECK_FALSE(tree.find("name")->quoted());
  CHECK(tree.find("empty")->is_null());
  CHECK(tree.find("empty")->place().text() == "f.yaml:8:1");
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
  CHECK(good("{näme: ä, b: 1}").find("b")->place().text() == "f.yaml:1:14");
}

TEST_CASE("yaml: a text that is not YAML is refused with its place") {
  CHECK(unreadable("a: [1, 2\n") ==
        "f.yaml:2:1: this cannot be read as YAML (end of sequence flow not found).\n");
  CHECK(unreadable("a: b: c\n") == "f.yaml:1:5: this cannot be read as YAML (illegal map value).\n");
  CHECK(unreadable("") == "f.yaml:1:1: the file is empty.\n");
  CHECK(unreadable("# only a comment\n") == "f.yaml:1:1: the file is empty.\n");
}

TEST_CASE("yaml: what follows the document is refused and read no further") {
  CHECK(unreadable("a: 1\n---\nb: 2\n") == "f.yaml:2:1: this is after the end of the document; remove it.\n");
  CHECK(unreadable(",\na: 1\n") == "f.yaml:1:1: this is after the end of the document; remove it.\n");
  CHECK(unreadable("{a: 1} b\n") == "f.yaml:1:8: this is after the end of the document; remove it.\n");
}

TEST_CASE("yaml: bytes are checked before anything is parsed") {
  CHECK(unreadable("a: \xff\n") == "f.yaml:1:4: this is not UTF-8; save the file as UTF-8.\n");
  CHECK(unreadable("a: \xC0\xAF\n") == "f.yaml:1:4: this is not UTF-8; save the file as UTF-8.\n");
  CHECK(unreadable("a: \xED\xA0\x80\n") == "f.yaml:1:4: this is not UTF-8; save the file as UTF-8.\n");
  CHECK(unreadable("a: \xE2\x82") == "f.yaml:1:4: this is not UTF-8; save the file as UTF-8.\n");
  CHECK(unreadable(std::string("a: b\0c\n", 7)) == "f.yaml:1:5: this is a control character; remove it.\n");
  CHECK(unreadable("a: b\rc: d\n") == "f.yaml:1:5: this is a control character; remove it.\n");
  CHECK(unreadable("a: \xC2\x85\n") == "f.yaml:1:4: this is a control character; remove it.\n");
  CHECK(unreadable("a: " + std::string(1 << 20, 'x')) ==
        "f.yaml:1:1: the file has 1048579 bytes; at most 1048576 are allowed.\n");
}

TEST_CASE("yaml: nesting and number of values are bounded") {
  const auto nested = [](int n) { return std::string(n, '[') + std::string(n, ']'); };
  CHECK(good(nested(32)).is_sequence());
  CHECK(unreadable(nested(33)) == "f.yaml:1:33: this is nested more than 32 levels deep.\n");
  CHECK(unreadable("a: b\nc: " + std::string(100000, '[') + std::string(100000, ']')) ==
        "f.yaml:2:35: this is nested more than 32 levels deep.\n");
  std::string many = "[";
  for (int i = 0; i < 100000; ++i) many += "1,";
  CHECK_THAT(unreadable(many + "1]"), ContainsSubstring("there are more than 100000 values."));
}

TEST_CASE("yaml: duplicate keys, aliases, anchors, tags and leading zeros are refused together") {
  CHECK(refused("a: 1\nb: 2\na: 3\n") == "f.yaml:3:1: 'a' is a duplicate key; it is already on line 1.\n");
  CHECK(refused("a: &x 1\nb: *x\nc: !!str 1\nd: 010\n") ==
        "f.yaml:1:4: anchors (&name) are not supported; remove it.\n"
        "f.yaml:2:4: aliases (*name) are not supported; write the value.\n"
        "f.yaml:3:4: tags (tag:yaml.org,2002:str) are not supported; remove it.\n"
        "f.yaml:4:4: 010 begins with a zero, which some YAML readers read as octal; write it without the "
        "zero, or in quotes if it is a string.\n");
  CHECK(refused("a: [&b [*b]]\n") ==
        "f.yaml:1:5: anchors (&name) are not supported; remove it.\n"
        "f.yaml:1:9: aliases (*name) are not supported; write the value.\n");
  CHECK(good("a: \"010\"\nb: 0.10\nc: 0\nd: 1e-05\n").find("a")->text() == "010");
}

TEST_CASE("yaml: keys are words") {
  CHECK(unreadable("[1, 2]: 3\n") ==
        "f.yaml:1:1: a key must be a word, not a list or a map. Is a bracket left open?\n");
  CHECK(unreadable("? {a: 1}\n: 3\n") ==
        "f.yaml:1:3: a key must be a word, not a list or a map. Is a bracket left open?\n");
}

TEST_CASE("yaml: the position of a value on the command line is the command line") {
  heed::Problems problems;
  const auto list = heed::parse_yaml_value("[1e-3, 3e-3]", "command line", problems);
  REQUIRE(list);
  CHECK(list->items()[1].place().text() == "command line");
  CHECK_FALSE(heed::parse_yaml_value("[1", "command line", problems));
  CHECK(problems.lines().at(0) ==
        "command line: a key must be a word, not a list or a map. Is a bracket left open?");
}

TEST_CASE("yaml: a file that is not there is an input error") {
  heed::Problems problems;
  CHECK_THROWS_AS(heed::read_yaml("no/such/file.yaml", problems), heed::results::IoError);
}
