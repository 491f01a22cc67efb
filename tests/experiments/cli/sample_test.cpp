// heed sample: texts, targets, files, signals, and what is refused.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>

#include "experiments/run/run_directory.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/experiments/cli/smoke.h"
#include "tests/results/temp_folder.h"

namespace {

namespace fs = std::filesystem;
using heed::test::Ended;
using heed::test::Program;
using heed::test::TempFolder;
using heed::test::Words;

const std::string kTranslation = "task={name: translation, length: 9, nouns: 2, adjectives: 2, verbs: 2}";

// Makes a run directory "r" of one small trial with saved weights.
void finished_run(const TempFolder& folder, const std::string& task, const Words& more = {}) {
  const Ended ended = heed::test::run_smoke(
      folder, "r",
      heed::test::with(
          {"--part", "0/1", "sweep.seeds=1", "train.steps=5", "variants=[linear]", "save=[weights]", task},
          more));
  INFO(ended.err);
  REQUIRE(ended.code == 0);
}

std::string task_of(const std::string& file, const std::string& more = "unit: characters") {
  return "task={name: text, path: " + file + ", length: 16, " + more + "}";
}

void write_abc(const TempFolder& folder) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "abc d\xC3\xA9\n";
  heed::test::write_file(folder / "t.txt", text);
}

// A trial of a text with no positions, made once for the tests that only read it.
const TempFolder& text_run() {
  static const TempFolder folder;
  static const bool made = [] {
    write_abc(folder);
    finished_run(folder, task_of("t.txt"), {"model.positions=none"});
    return true;
  }();
  REQUIRE(made);
  return folder;
}

Ended sample(const TempFolder& folder, const Words& more = {}) {
  return heed::test::heed(folder.path(), heed::test::with({"sample", "r"}, more));
}

std::string sampled(const TempFolder& folder, const Words& more = {}) {
  const Ended ended = sample(folder, more);
  INFO(ended.err);
  REQUIRE(ended.code == 0);
  return ended.out;
}

std::string refused(const TempFolder& folder, int code, const Words& more) {
  const Ended ended = sample(folder, more);
  CHECK(ended.code == code);
  CHECK(ended.out.empty());
  return ended.err;
}

// How many characters of UTF-8.
std::ptrdiff_t characters(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

}  // namespace

TEST_CASE("heed sample: a text continues its prompt, and the same seed gives the same text") {
  const TempFolder& folder = text_run();
  const std::string first = sampled(folder, {"--prompt", "abc", "--length", "40"});
  CHECK(first.starts_with("abc"));
  CHECK(first == sampled(folder, {"--prompt", "abc", "--length", "40", "--seed", "0"}));
  CHECK(first != sampled(folder, {"--prompt", "abc", "--length", "40", "--seed", "1"}));
  CHECK(first.starts_with(
      sampled(folder, {"--prompt", "abc", "--length", "9", "-o", "short.txt"}).substr(0, 8)));
  CHECK(characters(heed::test::read_file(folder / "short.txt")) == 12);
}

TEST_CASE("heed sample: without a prompt 256 tokens of a new line, all of the vocabulary") {
  const TempFolder& folder = text_run();
  sampled(folder, {"-o", "all.txt", "--temperature", "5"});
  const std::string text = heed::test::read_file(folder / "all.txt");
  CHECK(characters(text) == 256);
  CHECK(text.find_first_not_of("abcd \n\xC3\xA9") == std::string::npos);
}

TEST_CASE("heed sample: temperature 0 and top-k 1 take the top-1 prediction") {
  const TempFolder& folder = text_run();
  const std::string greedy = sampled(folder, {"--prompt", "a", "--length", "30", "--temperature", "0"});
  CHECK(greedy == sampled(folder, {"--prompt", "a", "--length", "30", "--top-k", "1", "--seed", "7"}));
  CHECK(greedy != sampled(folder, {"--prompt", "a", "--length", "30"}));
}

TEST_CASE("heed sample: learned positions limit the length") {
  const TempFolder folder;
  write_abc(folder);
  finished_run(folder, task_of("t.txt", "unit: bytes"), {"model.positions=learned"});
  CHECK_THAT(
      refused(folder, 2, {"--prompt", "abcd", "--length", "14"}),
      ContainsSubstring("--length is 14 but must be at most 13: the prompt has 4 tokens, and the model "
                        "has parameters for 16 positions (model.positions: learned)") &&
          ContainsSubstring("none, sinusoidal, rope or alibi"));
  CHECK_THAT(refused(folder, 2, {"--prompt", "abcd abcd abcd abcd"}),
             ContainsSubstring("--prompt is too long: the prompt has 19 tokens"));
  sampled(folder, {"--prompt", "abcd", "-o", "s.txt"});
  CHECK(heed::test::read_file(folder / "s.txt").size() == 4 + 13);
}

TEST_CASE("heed sample: a text of any order is continued from left to right, as far as it has places") {
  const TempFolder folder;
  write_abc(folder);
  finished_run(folder, task_of("t.txt", "unit: bytes, order: random"), {"model.positions=sinusoidal"});
  const auto bytes = [&](const Words& more) {
    fs::remove(folder / "s.txt");
    sampled(folder, heed::test::with({"-o", "s.txt"}, more));
    return heed::test::read_file(folder / "s.txt").size();
  };
  CHECK(bytes({}) == 16);
  CHECK(bytes({"--prompt", "abcd"}) == 16);
  CHECK(bytes({"--prompt", "abcd", "--length", "3"}) == 7);
  CHECK_THAT(
      refused(folder, 2, {"--prompt", "abcd", "--length", "13"}),
      ContainsSubstring("--length is 13 but must be at most 12: the prompt has 4 tokens, and the model "
                        "knows the places of 16 tokens (task.order: random)."));
  CHECK_THAT(refused(folder, 2, {"--prompt", "abcd abcd abcd abcd"}),
             ContainsSubstring("--prompt is too long: the prompt has 19 tokens"));
}

TEST_CASE("heed sample: a source is translated, or the first ones of the test split") {
  const TempFolder folder;
  const std::string type = GENERATE("encoder_decoder", "decoder");
  finished_run(folder, kTranslation, {"model.type=" + type});
  const std::string examples = sampled(folder);
  CHECK_THAT(examples, ContainsSubstring("source   ") && ContainsSubstring("\ndecoded  ") &&
                           ContainsSubstring("\ntarget   "));
  const std::string source = examples.substr(9, examples.find('\n') - 9);
  const std::size_t begin = examples.find("decoded  ") + 9;
  CHECK(sampled(folder, {"--prompt", source}) ==
        examples.substr(begin, examples.find('\n', begin) + 1 - begin));
  CHECK_THAT(refused(folder, 2, {"--prompt", "2 3 400"}), ContainsSubstring("--prompt: '400' is no token"));
  CHECK_THAT(
      refused(folder, 2, {"--prompt", "2 3 4 5 6 7 8 9 2 3"}),
      ContainsSubstring("--prompt is too long: it has 10 tokens, and a source of the task at most 9."));
  CHECK_THAT(refused(folder, 2, {"--temperature", "0.5"}),
             ContainsSubstring("--temperature has no effect on the task 'translation'"));
}

TEST_CASE("heed sample: pairs are decoded as text") {
  const TempFolder folder;
  std::string pairs;
  for (int i = 0; i < 300; ++i) pairs += "n" + std::to_string(i) + "\tz" + std::to_string(i) + "\n";
  heed::test::write_file(folder / "p.tsv", pairs);
  finished_run(folder, "task={name: pairs, path: p.tsv, unit: characters, max_length: 8}");
  CHECK_THAT(sampled(folder), ContainsSubstring("source   n") && ContainsSubstring("\ntarget   z"));
  CHECK(sampled(folder, {"--prompt", "n12"}).ends_with('\n'));
  CHECK_THAT(refused(folder, 2, {"--prompt", "n1x"}),
             ContainsSubstring("--prompt: character 3, 'x', is not one of the 14 characters"));
}

TEST_CASE("heed sample: Ctrl-C ends a long text and leaves no half file") {
  const TempFolder& folder = text_run();
  Program program(folder.path(), "/bin/sh",
                  {"-c", "exec \"$heed\" sample r --length 100000000 -o half.txt >live.txt"});
  REQUIRE(heed::test::eventually([&] { return !heed::test::read_file(folder / "live.txt").empty(); }));
  program.signal(SIGINT);
  const Ended ended = program.wait();
  CHECK(ended.code == 75);
  CHECK(heed::test::read_file(folder / "live.txt").ends_with('\n'));
  CHECK_THAT(ended.err, ContainsSubstring("Stopped: half.txt was not written."));
  CHECK_FALSE(fs::exists(folder / "half.txt"));
  for (const auto& file : fs::directory_iterator(folder.path()))
    CHECK_THAT(file.path().filename().string(), !ContainsSubstring(".tmp."));
}

TEST_CASE("heed sample: trials that cannot be sampled are named with the remedy") {
  const TempFolder folder;
  finished_run(folder, "task={name: parity, length: 8}", {"save=[]"});
  CHECK_THAT(refused(folder, 64, {}), ContainsSubstring("cannot be sampled: its weights were not saved. Add "
                                                        "`save: [weights]` to the sweep file"));
  fs::remove_all(folder / "r");
  finished_run(folder, "task={name: parity, length: 8}");
  CHECK_THAT(refused(folder, 64, {}), ContainsSubstring("the task 'parity' cannot be sampled. `heed sample` "
                                                        "continues texts (text), draws images (images "
                                                        "with objective: generate) and decodes targets"));
  const heed::RunDirectory directory(folder / "r");
  fs::remove(directory.trial(directory.read_plan().at(0).id));
  CHECK_THAT(refused(folder, 64, {}), ContainsSubstring("cannot be sampled: it has not ended."));
}

TEST_CASE("heed sample: wrong command lines") {
  const TempFolder& folder = text_run();
  const auto wrong = [&](const Words& more) { return refused(folder, 2, more); };
  CHECK_THAT(wrong({"--trial", "0123456789abcdef"}),
             ContainsSubstring("r has no trial '0123456789abcdef'. Its plan.tsv lists them."));
  CHECK_THAT(
      wrong({"--prompt", "abx"}),
      ContainsSubstring("--prompt: character 3, 'x', is not one of the 7 characters of the task's text. "
                        "Leave it out, or train with 'unit: bytes'"));
  CHECK_THAT(wrong({"-n", "3"}),
             ContainsSubstring("-n has no effect on the task 'text': heed generates one text."));
  CHECK_THAT(wrong({"--prompt", "ab\xC3"}), ContainsSubstring("--prompt: byte 3 of the text is not UTF-8."));
  CHECK_THAT(wrong({"--temperature", "-1"}),
             ContainsSubstring("--temperature is -1 but must be finite and at least 0."));
  CHECK_THAT(wrong({"--temperature", "nan"}), ContainsSubstring("--temperature is nan"));
  CHECK_THAT(wrong({"--temperature", "inf"}), ContainsSubstring("--temperature is inf but must be finite"));
  CHECK_THAT(wrong({"--top-k", "8"}), ContainsSubstring("--top-k is 8 but must be at most 7"));
  CHECK_THAT(wrong({"--top-k", "0"}), ContainsSubstring("--top-k is 0 but must be at least 1."));
  CHECK_THAT(wrong({"--length", "0"}), ContainsSubstring("--length is 0 but must be at least 1."));
  CHECK_THAT(wrong({"--seed", "1", "--temperature", "0"}), ContainsSubstring("--seed has no effect"));
  CHECK_THAT(wrong({"--promt", "a"}), ContainsSubstring("--prompt"));
  heed::test::write_file(folder / "mine.txt", "mine");
  CHECK_THAT(refused(folder, 74, {"-o", "mine.txt"}), ContainsSubstring("mine.txt"));
  CHECK(heed::test::read_file(folder / "mine.txt") == "mine");
}

TEST_CASE("heed sample: of several trials one is chosen") {
  const TempFolder folder;
  write_abc(folder);
  finished_run(folder, task_of("t.txt"), {"variants=[linear, softmax]"});
  const std::string id = heed::RunDirectory(folder / "r").read_plan().at(1).id;
  CHECK_THAT(refused(folder, 2, {}), ContainsSubstring("--trial is missing: r has 2 trials"));
  CHECK(sampled(folder, {"--trial", id, "--prompt", "a"}).starts_with("a"));
}
