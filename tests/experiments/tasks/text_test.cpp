#include <filesystem>
#include <fstream>
#include <set>

#include "core/rng.h"
#include "core/task_traits.h"
#include "experiments/tasks/subwords.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"
#include "tests/results/temp_folder.h"

using namespace heed;
using namespace heed::test;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

// `n` bytes that are the same everywhere.
std::string random_text(Index n) {
  Draws draws = Rng(7, "words").at(0);
  std::string text;
  for (Index i = 0; i < n; ++i) text += static_cast<char>('a' + draws.below(26));
  return text;
}

Config options_of(const fs::path& path, Index length, const std::vector<std::string>& split = {},
                  const std::string& unit = "bytes") {
  Config c = task_config({{"path", path.string()}, {"length", std::to_string(length)}, {"unit", unit}});
  std::vector<Config> shares;
  for (const std::string& s : split) shares.push_back(Config::scalar(s));
  if (!split.empty()) c.set("split", Config::sequence(shares));
  return c;
}

// The tokens and the labels of a whole split, joined.
Sequence walk(const Task& task, Split split) {
  Sequence all;
  for (Index i = 0; i < *task.size(split); ++i) {
    const Sequence s = draw(task, split, i);
    all.tokens.insert(all.tokens.end(), s.tokens.begin(), s.tokens.end());
    all.labels.insert(all.labels.end(), s.labels.begin(), s.labels.end());
  }
  return all;
}

}  // namespace

TEST_CASE("text: evaluation covers a whole split and scores each position once") {
  const TempFolder folder;
  const std::string text = random_text(1000);
  write(folder / "t.txt", text);
  for (Index length : {1, 7, 16, 49, 50, 400}) {
    const auto task = make_task("text", options_of(folder / "t.txt", length));
    for (const auto& [split, begin] : {std::pair{Split::validation, 900}, {Split::test, 950}}) {
      const Sequence all = walk(*task, split);
      REQUIRE(*task->size(split) == (49 + length - 1) / length);
      for (Index t = 0; t < static_cast<Index>(all.tokens.size()); ++t) {
        REQUIRE(all.tokens[t] == (t < 49 ? text[begin + t] : 0));
        REQUIRE(all.labels[t] == (t < 49 ? text[begin + t + 1] : kUnscored));
      }
    }
  }
}

TEST_CASE("text: training windows start everywhere in the training part and never leave it") {
  const TempFolder folder;
  std::string text(100, 'v');
  for (int i = 0; i < 90; ++i) text[i] = static_cast<char>(i + 1);  // no byte 0: that is no text
  write(folder / "t.txt", text);
  const auto task = make_task("text", options_of(folder / "t.txt", 8));
  CHECK_FALSE(task->size(Split::train));
  std::vector<double> starts(82);  // 0 .. 90 - 8 - 1
  for (const Sequence& s : draw_all(*task, Split::train, 8200)) {
    ++starts.at(s.tokens[0] - 1);
    for (int t = 0; t < 8; ++t) {
      REQUIRE(s.tokens[t] == s.tokens[0] + t);
      REQUIRE(s.labels[t] == s.tokens[t] + 1);
    }
  }
  double chi = 0;
  for (double n : starts) chi += (n - 100) * (n - 100) / 100;
  CHECK(chi < 158);  // 81 degrees of freedom, 6 deviations
}

TEST_CASE("text: with a test share of 0, validation extends to the last byte") {
  const TempFolder folder;
  const std::string text = random_text(1003);
  write(folder / "t.txt", text);
  const auto task = make_task("text", options_of(folder / "t.txt", 10, {"0.9", "0.1", "0"}));
  CHECK(*task->size(Split::test) == 0);
  const Sequence all = walk(*task, Split::validation);
  CHECK(all.tokens[0] == text[902]);
  CHECK(all.labels[99] == text[1002]);
  CHECK(*task->size(Split::validation) == 10);
}

TEST_CASE("text: the label of a position is the next token, also at the end of a window") {
  const TempFolder folder;
  write(folder / "t.txt", random_text(200));
  const auto task = make_task("text", options_of(folder / "t.txt", 3));
  const Sequence first = draw(*task, Split::validation, 0), second = draw(*task, Split::validation, 1);
  CHECK(first.labels[2] == second.tokens[0]);
}

TEST_CASE("text: characters are code points, numbered in order") {
  const TempFolder folder;
  write(folder / "t.txt",
        "zz\xC3\xA9"
        "a\xE2\x82\xAC"
        "\xF0\x9F\x98\x80"
        "\nzzzzzz");  // z z é a € 😀 newline
  const auto task = make_task("text", options_of(folder / "t.txt", 6, {"0.7", "0.3", "0"}, "characters"));
  CHECK(task->shape().classes == 6);
  const Sequence s = draw(*task, Split::train, 0);  // 13 characters, 9 for training: \n a z é € 😀 are 0 .. 5
  const std::vector<Token> whole = {2, 2, 3, 1, 4, 5, 0, 2, 2};
  bool found = false;
  for (int start = 0; start < 3; ++start)
    found |= std::equal(s.tokens.begin(), s.tokens.end(), whole.begin() + start) &&
             std::equal(s.labels.begin(), s.labels.end(), whole.begin() + start + 1);
  CHECK(found);
}

TEST_CASE("text: the scored bytes of a part are all but those of its first token") {
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 100; ++i) text += i % 2 ? "\xC3\xA9" : i % 4 ? "\xE2\x82\xAC" : "a";
  write(folder / "t.txt", text);  // 25 a of 1 byte, 25 euro signs of 3, 50 e with an accent of 2
  const auto of = [](const Task& task, Split split) {
    return dynamic_cast<const TextTraits&>(task).scored_bytes(split);
  };
  const auto bytes = make_task("text", options_of(folder / "t.txt", 4, {"0.9", "0.1", "0"}));
  CHECK(of(*bytes, Split::validation) == 200 - 180 - 1);
  CHECK(of(*bytes, Split::train) == std::nullopt);
  const auto characters =
      make_task("text", options_of(folder / "t.txt", 4, {"0.8", "0.2", "0"}, "characters"));
  CHECK(of(*characters, Split::validation) == 40 - 1);  // begins with an a
  CHECK_FALSE(dynamic_cast<const TextTraits*>(make_task("mqar").get()));
}

TEST_CASE("text: train_bytes uses the beginning of the training part only") {
  const TempFolder folder;
  std::string text(1000, 'v');
  for (int i = 0; i < 900; ++i) text[static_cast<std::size_t>(i)] = i < 100 ? 'a' : 'b';
  write(folder / "t.txt", text);
  Config options = options_of(folder / "t.txt", 16);
  options.set("train_bytes", Config::scalar("100"));
  const auto task = make_task("text", options);
  for (const Sequence& s : draw_all(*task, Split::train, 50)) CHECK(s.tokens == std::vector<Token>(16, 'a'));
  CHECK(walk(*task, Split::validation) ==
        walk(*make_task("text", options_of(folder / "t.txt", 16)), Split::validation));
  options.set("train_bytes", Config::scalar("16"));
  CHECK_THAT(refusals("text", options).at(0), ContainsSubstring("of which 16 are for training; it needs 17"));
}

TEST_CASE("text: train_bytes counts the bytes of characters") {
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 200; ++i) text += i < 150 ? "\xC3\xA9" : "a";
  write(folder / "t.txt", text);
  Config options = options_of(folder / "t.txt", 10, {}, "characters");
  options.set("train_bytes", Config::scalar("23"));  // 11 characters of 2 bytes
  CHECK(draw(*make_task("text", options), Split::train, 0).labels == std::vector<Token>(10, 1));
  options.set("train_bytes", Config::scalar("21"));
  CHECK_THROWS_WITH(make_task("text", options),
                    ContainsSubstring("of which 10 are for training; it needs 11"));
}

TEST_CASE("text: a text is encoded and decoded as its tokens") {
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "the \xC3\xA9t\xC3\xA9 \xF0\x9F\x98\x80\n";
  write(folder / "t.txt", text);
  const std::string unit = GENERATE("bytes", "characters", "bpe");
  if (unit == "bpe" && !Subwords::available()) return;  // built without sentencepiece
  Config options = options_of(folder / "t.txt", 8, {}, unit);
  if (unit == "bpe") options.set("vocab", Config::scalar("270"));
  const auto task = make_task("text", options);
  const auto& tokenizer = dynamic_cast<const TokenizerTraits&>(*task);
  const std::vector<Token> tokens = tokenizer.encode("t\xC3\xA9 \xF0\x9F\x98\x80\n h");
  std::string again;
  for (const Token t : tokens) again += tokenizer.decode(t);
  CAPTURE(unit);
  CHECK(again == "t\xC3\xA9 \xF0\x9F\x98\x80\n h");
  if (unit == "bytes")
    CHECK(tokens == std::vector<Token>{116, 195, 169, 32, 240, 159, 152, 128, 10, 32, 104});
  // \n, space, e, h, t, é, 😀
  if (unit == "characters") CHECK(tokens == std::vector<Token>{4, 5, 1, 6, 0, 1, 3});
}

TEST_CASE("text: what is no token of the text is refused") {
  const TempFolder folder;
  write(folder / "t.txt", random_text(500));
  const auto task = make_task("text", options_of(folder / "t.txt", 8, {}, "characters"));
  const auto& tokenizer = dynamic_cast<const TokenizerTraits&>(*task);
  CHECK_THROWS_WITH(tokenizer.encode("ab\xC3\xA9"),
                    ContainsSubstring("character 3, '\xC3\xA9', is not one of the 26 characters"));
  CHECK_THROWS_WITH(tokenizer.encode("ab\xC3"), ContainsSubstring("byte 3 of the text is not UTF-8"));
  const auto bytes = make_task("text", options_of(folder / "t.txt", 8));
  CHECK(dynamic_cast<const TokenizerTraits&>(*bytes).encode("\xC3") == std::vector<Token>{0xC3});
}

TEST_CASE("text: options of subwords are refused with other units, and required with their own") {
  const TempFolder folder;
  write(folder / "t.txt", random_text(3000));
  Config options = options_of(folder / "t.txt", 16);
  options.set("vocab", Config::scalar("300"));
  CHECK(begin_with(refusals("text", options), Lines{"task.vocab: only 'unit: bpe' has one; bytes do not"}));
  CHECK(begin_with(refusals("text", options_of(folder / "t.txt", 16, {}, "bpe")),
                   Lines{"task.vocab: it is missing; say how many subwords"}));
}

TEST_CASE("text: bytes above 127 are tokens too") {
  const TempFolder folder;
  write(folder / "t.txt", std::string(100, '\xFF'));
  const auto task = make_task("text", options_of(folder / "t.txt", 4));
  CHECK(task->shape().classes == 256);
  CHECK(draw(*task, Split::train, 0).tokens[0] == 255);
}

TEST_CASE("text: characters require UTF-8") {
  const TempFolder folder;
  for (const std::string bad :
       {"\xFF", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80"}) {
    write(folder / "t.txt", std::string(60, 'a') + bad);
    const std::string message = "the text '" + (folder / "t.txt").string() + "' is not UTF-8: byte 60 is 0x";
    CHECK_THROWS_WITH(make_task("text", options_of(folder / "t.txt", 4, {}, "characters")),
                      ContainsSubstring(message) && ContainsSubstring("choose 'unit: bytes' or convert it."));
  }
}

TEST_CASE("text: a folder is the text of its regular files in the order of their names") {
  const TempFolder folder;
  write(folder / "b", std::string(50, 'b'));
  write(folder / "a", std::string(50, 'a'));
  fs::create_symlink("b", folder / "0-link");
  fs::create_directory(folder / "0-folder");
  const auto task = make_task("text", options_of(folder.path(), 50, {"0.51", "0.49", "0"}));
  CHECK(draw(*task, Split::train, 0).tokens == std::vector<Token>(50, 'a'));
  CHECK(draw(*task, Split::validation, 0).tokens[0] == 'b');
  CHECK(*task->size(Split::validation) == 1);
}

TEST_CASE("text: the default texts are part of every Debian and Ubuntu") {
  const auto task = make_task("text");
  CHECK(task->shape().classes == 256);
  CHECK(*task->size(Split::validation) > 100);
  CHECK(*task->size(Split::test) > 100);
}

TEST_CASE("text: an unreadable file is refused with its path and the remedy") {
  const TempFolder folder;
  fs::create_directory(folder / "empty");
  const std::string remedy = "; give 'path' a text file, or a folder of text files.";
  CHECK(refusals("text", options_of("/no/such.txt", 4)) ==
        Lines{"task.path: cannot read the text '/no/such.txt': No such file or directory" + remedy});
  CHECK(refusals("text", options_of("/dev/null", 4)) ==
        Lines{"task.path: cannot read the text '/dev/null': not a file or folder" + remedy});
  CHECK(refusals("text", options_of(folder / "empty", 4)) ==
        Lines{"task.path: cannot read the text '" + (folder / "empty").string() +
              "': the folder holds no regular file" + remedy});
}

TEST_CASE("text: a file that is not text is refused with its kind and the remedy") {
  const TempFolder folder;
  const std::string padding(300, 'x');
  const auto problem_of = [&](const std::string& name, const std::string& content) {
    write(folder / name, content);
    const Lines problems = refusals("text", options_of(folder / name, 4));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].starts_with("task.path: '" + (folder / name).string() + "' is not a text: it is "));
    return problems[0];
  };
  const auto with = [](const std::string& part) { return ContainsSubstring(part); };
  CHECK_THAT(problem_of("tokens.npy", "\x93NUMPY\x01" + padding),
             with("a NumPy array; the task 'file' reads arrays"));
  CHECK_THAT(problem_of("a.h5", "\x89HDF\r\n\x1a\n" + padding), with("an HDF5 file; the task 'file'"));
  CHECK_THAT(problem_of("a.gz", "\x1f\x8b\x08" + padding), with("a gzip file; unpack it first"));
  CHECK_THAT(problem_of("a.zip", "PK\x03\x04" + padding), with("a zip archive") && with("unpack"));
  const std::string entry = "PK\x03\x04" + std::string(22, '\0') + "\x05" + std::string(3, '\0') + "x.npy";
  CHECK_THAT(problem_of("a.npz", entry + padding), with("arrays (.npz); the task 'file' reads arrays"));
  CHECK_THAT(problem_of("a.png", "\x89PNG\r\n\x1a\n" + padding), with("a PNG image"));
  CHECK_THAT(problem_of("a.pdf", "%PDF-1.7" + padding), with("a PDF; export its text first"));
  CHECK_THAT(problem_of("a.tar", std::string(257, 'x') + "ustar" + padding), with("a tar archive"));
  CHECK_THAT(problem_of("utf16",
                        "\xff\xfe"
                        "a" +
                            padding),
             with("UTF-16; convert it to UTF-8"));
  CHECK_THAT(problem_of("tokens.bin", padding + std::string(3, '\0') + padding), with("byte 300 is 0"));

  // One among many is found, too.
  fs::create_directory(folder / "texts");
  write(folder / "texts" / "a.txt", padding);
  write(folder / "texts" / "b.npy", "\x93NUMPY\x01" + padding);
  CHECK_THAT(refusals("text", options_of(folder / "texts", 4)).at(0), with("b.npy' is not a text"));
}

TEST_CASE("text: a text that is too short is refused with what is missing") {
  const TempFolder folder;
  const std::string path = (folder / "t.txt").string();
  write(path, random_text(100));
  CHECK(refusals("text", options_of(path, 89)).empty());
  CHECK(begin_with(refusals("text", options_of(path, 90)),
                   Lines{"task.length: the text '" + path +
                         "' has 100 bytes, of which 90 are for training; it needs 91 (length 90)"}));
  write(path, random_text(20));
  CHECK(begin_with(refusals("text", options_of(path, 2)),
                   Lines{"task.length: the text '" + path +
                         "' has 20 bytes, of which 1 are for validation; it needs 2 (length 2)"}));
  std::string wide;
  for (int i = 0; i < 50; ++i) wide += "\xC3\xA9";
  write(path, wide);  // 100 bytes, 50 characters: found when the text is read
  CHECK(refusals("text", options_of(path, 60, {}, "characters")).empty());
  CHECK_THROWS_WITH(
      make_task("text", options_of(path, 60, {}, "characters")),
      ContainsSubstring(path + "' has 50 characters, of which 45 are for training; it needs 61 (length 60)"));
}

TEST_CASE("text: shares that are no split are refused") {
  const fs::path path = "/usr/share/common-licenses";
  CHECK(begin_with(refusals("text", options_of(path, 4, {"0.9", "0.1"})),
                   Lines{"task.split: expected three fractions"}));
  CHECK(begin_with(refusals("text", options_of(path, 4, {"0.9", "0.1", "0.1"})),
                   Lines{"task.split: the fractions must add up to 1"}));
  CHECK(begin_with(refusals("text", options_of(path, 4, {"1", "0", "0"})),
                   Lines{"task.split: only the test fraction may be 0"}));
  CHECK(refusals("text", options_of(path, 4, {"1.5", "-0.5", "x"})) ==
        Lines{"task.split[0]: 1.5 is out of range; it must be from 0 to 1.",
              "task.split[1]: -0.5 is out of range; it must be from 0 to 1.",
              "task.split[2]: expected a number, found the string 'x'."});
  CHECK(refusals("text", task_config({{"split", "0.9"}})) ==
        Lines{"task.split: expected a list of numbers, found 0.9."});
}

TEST_CASE("text: the shares of a split are written into the resolved configuration") {
  Registry registry;
  register_builtin_tasks(registry);
  Problems problems;
  const Config resolved = registry.task("text").resolve(Config(), "task", problems);
  CHECK(resolved.find("split")->canonical() == "[0.9, 0.05, 0.05]");
}

TEST_CASE("text: data have the golden hash") {
  const TempFolder folder;
  write(folder / "t.txt", random_text(22000));
  CHECK(golden_hash(*make_task("text", options_of(folder / "t.txt", 16))) == 0xd39cde0a0e438e32);
}
