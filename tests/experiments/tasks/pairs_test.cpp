#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/task_traits.h"
#include "experiments/tasks/subwords.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"
#include "tests/results/temp_folder.h"

using namespace heed;
using namespace heed::test;

namespace {

struct File {
  TempFolder folder;
  std::string path = (folder / "pairs.tsv").string();
  explicit File(const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
};

// Enough pairs that each split has some.
std::string many(const std::string& end = "\n") {
  std::string text;
  for (int i = 0; i < 400; ++i) text += fmt::format("number {}\tZahl {} für ü{}", i, i, end);
  return text;
}

std::string text_of(const Task& task, std::span<const Token> tokens) {
  const auto alphabet = dynamic_cast<const CharacterTraits&>(task).code_points();
  std::string out;
  for (const Token t : tokens) {
    const std::int64_t unit = alphabet[static_cast<std::size_t>(t)];
    if (alphabet.size() == 256 || unit < 0x80)
      out += static_cast<char>(unit);
    else  // two bytes are enough here
      out += {static_cast<char>(0xC0 | unit >> 6), static_cast<char>(0x80 | (unit & 0x3F))};
  }
  return out;
}

std::string fnv_split(const std::string& source) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : source) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211U;
  }
  return hash % 100 < 90 ? "train" : hash % 100 < 95 ? "validation" : "test";
}

}  // namespace

TEST_CASE("pairs: texts are encoded and decoded as the tokens of the file") {
  const File file(many());
  const std::string unit = GENERATE("bytes", "characters");
  const auto task = make_task("pairs", {{"path", file.path}, {"unit", unit}});
  const auto& tokenizer = dynamic_cast<const TokenizerTraits&>(*task);
  const std::vector<Token> tokens = tokenizer.encode("number 7 für");
  CHECK(text_of(*task, tokens) == "number 7 für");
  std::string again;
  for (const Token t : tokens) again += tokenizer.decode(t);
  CHECK(again == "number 7 für");
  CHECK(std::ssize(tokens) == (unit == "bytes" ? 13 : 12));
  if (unit == "characters")
    CHECK_THROWS_WITH(tokenizer.encode("xé"), ContainsSubstring("character 1, 'x', is not one of the"));
}

TEST_CASE("pairs: sources and targets are encoded by the same subwords, trained on the training pairs") {
  if (!Subwords::available()) return;  // built without sentencepiece
  const File file(many());
  Config options = task_config({{"path", file.path}, {"unit", "bpe"}, {"vocab", "290"}});
  Problems problems;
  Registry registry;
  register_builtin_tasks(registry);
  options = registry.task("pairs").resolve(options, "task", problems);
  REQUIRE(problems.empty());
  std::string training;
  for (int i = 0; i < 400; ++i)
    if (const std::string source = fmt::format("number {}", i); fnv_split(source) == "train")
      training += fmt::format("{}\nZahl {} für ü\n", source, i);
  const Subwords expected(training, 290, "t");
  CHECK(options.find("subwords")->text() == expected.hash());
  const auto task = registry.task("pairs").make(options, 0);
  REQUIRE(dynamic_cast<const SubwordsTraits&>(*task).subwords());
  CHECK(dynamic_cast<const SubwordsTraits&>(*task).subwords()->model() == expected.model());
  CHECK(task->shape().classes == 290);
  CHECK(task->shape().source.width == 290);
  const auto& tokenizer = dynamic_cast<const TokenizerTraits&>(*task);
  const auto text = [&](std::span<const Token> tokens) {
    std::string out;
    for (const Token t : tokens) out += tokenizer.decode(t);
    return out;
  };
  CHECK(tokenizer.encode("number 7") == expected.encode("number 7"));
  for (const Split split : {Split::validation, Split::test})
    for (Index i = 0; i < *task->size(split); ++i) {
      const Sequence s = draw(*task, split, static_cast<std::uint64_t>(i));
      const std::string source = text(s.source), number = source.substr(7);
      REQUIRE(source.starts_with("number "));
      REQUIRE(s.source.size() < source.size());
      REQUIRE(text(s.tokens) == "\tZahl " + number + " für ü");
      REQUIRE(text(s.labels) == "Zahl " + number + " für ü\n");
    }
  options.set("subwords", Config::scalar("xxh-0"));
  CHECK_THROWS_WITH(registry.task("pairs").make(options, 0),
                    ContainsSubstring("sentencepiece now trains other subwords on '" + file.path));
}

TEST_CASE("pairs: options of subwords are refused with other units, and required with their own") {
  const File file(many());
  const auto refused = [&](Given given) {
    given.insert(given.begin(), {"path", file.path});
    return refusals("pairs", given).at(0);
  };
  CHECK_THAT(refused({{"vocab", "300"}}),
             ContainsSubstring("task.vocab: only 'unit: bpe' has one; bytes do not"));
  CHECK_THAT(refused({{"unit", "bpe"}}),
             ContainsSubstring("task.vocab: it is missing; say how many subwords"));
  CHECK_THAT(refused({{"unit", "bpe"}, {"vocab", "20000"}}),
             Subwords::available()
                 ? ContainsSubstring("task.vocab: 20000 subwords cannot be made of '" + file.path)
                 : ContainsSubstring("task.unit: this heed was built without sentencepiece"));
  const File wrong("no tab\n");
  CHECK_THAT(refusals("pairs", Given{{"path", wrong.path}, {"unit", "bpe"}, {"vocab", "300"}}).at(0),
             ContainsSubstring("task.path") && ContainsSubstring("pairs.tsv:1: there is no tab"));
}

TEST_CASE("pairs: the input is a tab and the target, the labels are the target and a newline") {
  const File file(many());
  for (const char* unit : {"bytes", "characters"}) {
    CAPTURE(unit);
    const auto task = make_task("pairs", {{"path", file.path}, {"unit", unit}});
    CHECK((task->shape().classes == 256) == (std::string(unit) == "bytes"));
    for (const Split split : {Split::validation, Split::test}) {
      const auto size = static_cast<std::uint64_t>(*task->size(split));
      for (std::uint64_t i = 0; i < size; ++i) {
        const Sequence s = draw(*task, split, i);
        const std::string source = text_of(*task, s.source), number = source.substr(7);
        REQUIRE(source.starts_with("number "));
        REQUIRE(text_of(*task, s.tokens) == "\tZahl " + number + " für ü");
        REQUIRE(text_of(*task, s.labels) == "Zahl " + number + " für ü\n");
      }
    }
  }
}

TEST_CASE("pairs: a hash of the source decides the split, and every pair is in one") {
  const File file(many());
  const auto task = make_task("pairs", {{"path", file.path}});
  std::map<std::string, std::string> found;
  const auto add = [&](Split split, const char* name, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) found[text_of(*task, draw(*task, split, i).source)] = name;
  };
  add(Split::train, "train", 8000);
  add(Split::validation, "validation", static_cast<std::uint64_t>(*task->size(Split::validation)));
  add(Split::test, "test", static_cast<std::uint64_t>(*task->size(Split::test)));
  CHECK(found.size() == 400);
  for (const auto& [source, split] : found) REQUIRE(split == fnv_split(source));
}

TEST_CASE("pairs: longer pairs are left out, and counted") {
  const File file(many() + "a long source that is left out\tx\n");
  const auto task = make_task("pairs", {{"path", file.path}, {"max_length", "20"}});
  CHECK(task->shape().input.length == 21);
  CHECK(task->shape().source.length == 20);
  const auto note = [](const Task& of) { return dynamic_cast<const NoteTraits&>(of).note(); };
  CHECK_THAT(note(*task), Catch::Matchers::StartsWith("1 of the 401 pairs in ") &&
                              ContainsSubstring("task.max_length (20)"));
  CHECK(note(*make_task("pairs", {{"path", file.path}})).empty());
}

TEST_CASE("pairs: lines may end as on Windows, and the last one without a newline") {
  const File unix_file(many()), windows(many("\r\n")), open(many().substr(0, many().size() - 1));
  const auto expected = golden_hash(*make_task("pairs", {{"path", unix_file.path}}), 10);
  CHECK(golden_hash(*make_task("pairs", {{"path", windows.path}}), 10) == expected);
  CHECK(golden_hash(*make_task("pairs", {{"path", open.path}}), 10) == expected);
}

TEST_CASE("pairs: a bad line is an error with its number") {
  const auto said = [](const std::string& line) {
    const File file("a\tb\n" + line + "\nc\td\n");
    std::string all;
    for (const std::string& problem : refusals("pairs", Given{{"path", file.path}})) all += problem;
    return all;
  };
  CHECK_THAT(said("no tab"), ContainsSubstring("pairs.tsv:2: there is no tab; a line is source TAB target"));
  CHECK_THAT(said(""), ContainsSubstring("pairs.tsv:2: there is no tab"));
  CHECK_THAT(said("a\tb\tc"), ContainsSubstring("pairs.tsv:2: there is a second tab"));
  CHECK_THAT(said("\tb"), ContainsSubstring("pairs.tsv:2: the source is empty"));
  CHECK_THAT(said("a\t"), ContainsSubstring("pairs.tsv:2: the target is empty"));
  CHECK_THAT(said("a\tb\xff"), ContainsSubstring("pairs.tsv:2: byte 4 is not UTF-8"));
  CHECK_THAT(said("e\tf"), ContainsSubstring("has 3 pairs of at most 64 bytes, and none of them is for"));
  CHECK_THAT(refusals("pairs", Given{}).at(0),
             ContainsSubstring("task.path") && ContainsSubstring("a line each"));
  CHECK_THAT(refusals("pairs", Given{{"path", "/no/such/file"}}).at(0), ContainsSubstring("'/no/such/file'"));
}

TEST_CASE("pairs: another content at the same path is refused") {
  const File file(many());
  Problems problems;
  Registry registry;
  register_builtin_tasks(registry);
  const Config once = registry.task("pairs").resolve(task_config({{"path", file.path}}), "task", problems);
  CHECK(once.find("content")->text().starts_with("xxh-"));
  std::ofstream(file.path, std::ios::app) << "more\tmehr\n";
  registry.task("pairs").resolve(once, "task", problems);
  REQUIRE(problems.lines().size() == 1);
  CHECK_THAT(problems.lines()[0], ContainsSubstring("has changed"));
}

TEST_CASE("pairs: data have the golden hash") {
  const File file(many());
  CHECK(golden_hash(*make_task("pairs", {{"path", file.path}}), 16) == 0x66241adc0355a205);
}
