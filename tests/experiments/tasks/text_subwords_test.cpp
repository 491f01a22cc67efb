// Subwords of a text.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/task_traits.h"
#include "experiments/tasks/subword_folder.h"
#include "experiments/tasks/subwords.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"
#include "tests/results/temp_folder.h"

using namespace heed;
using namespace heed::test;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

Config subwords_of(const fs::path& path) {
  return task_config({{"path", path.string()}, {"length", "8"}, {"unit", "bpe"}, {"vocab", "280"}});
}

}  // namespace

TEST_CASE("text: subwords give back the text") {
  if (!Subwords::available()) return;  // built without sentencepiece
  std::string text;
  for (int i = 0; i < 300; ++i) text += "the cat  sat on\nthe \xC3\xA9t\xC3\xA9 \xF0\x9F\x98\x80\n";
  const Subwords subwords(text, 280, "t");
  CHECK(subwords.vocabulary() == 280);
  CHECK(subwords.hash() == Subwords(text, 280, "t").hash());
  const std::vector<Token> tokens = subwords.encode(text + "unseen: \xE2\x82\xAC");
  const std::vector<std::string> units = subwords.units();
  std::string again;
  for (const Token t : tokens) again += units.at(static_cast<std::size_t>(t));
  CHECK(again == text + "unseen: \xE2\x82\xAC");
  CHECK(tokens.size() < text.size() / 2);
}

TEST_CASE("text: subwords are trained on the training part, and their hash is filled in and compared") {
  if (!Subwords::available()) return;  // built without sentencepiece
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "the cat sat on the mat\n";
  write(folder / "t.txt", text);
  Config options = subwords_of(folder / "t.txt");
  const auto task = make_task("text", options);
  CHECK(task->shape().classes == 280);
  const auto bytes = dynamic_cast<const TextTraits&>(*task).scored_bytes(Split::test);
  REQUIRE(bytes);
  CHECK((*bytes < 460 && *bytes > 440));  // a twentieth of 9,200, without the first subword

  Registry registry;
  register_builtin_tasks(registry);
  Problems problems;
  Config resolved = registry.task("text").resolve(options, "task", problems);
  CHECK(problems.lines() == Lines{});
  CHECK(resolved.find("subwords")->text() == Subwords(text.substr(0, 8280), 280, "t").hash());
  resolved.set("subwords", Config::scalar("xxh-0"));
  CHECK_THROWS_WITH(
      make_task("text", resolved),
      ContainsSubstring("sentencepiece now trains other subwords on '" + (folder / "t.txt").string()));
  options.set("vocab", Config::scalar("20000"));
  const std::string too_many = refusals("text", options).at(0);
  CHECK_THAT(too_many, ContainsSubstring("task.vocab: 20000 subwords cannot be made of") &&
                           ContainsSubstring("the training part has at most ") &&
                           ContainsSubstring(" or less.") && !ContainsSubstring("Vocabulary"));
  options.set("vocab", Config::scalar("100"));
  const std::string too_few = refusals("text", options).at(0);
  CHECK_THAT(too_few, ContainsSubstring("its characters and the 256 bytes need 2") &&
                          ContainsSubstring(" or more.") && !ContainsSubstring("character_coverage"));
}

TEST_CASE("text: subwords in the cache are read, and not trained") {
  if (!Subwords::available()) return;  // built without sentencepiece
  const TempFolder folder;
  std::string text, other;
  for (int i = 0; i < 400; ++i) text += "the cat sat on the mat\n", other += "a dog lay by the rug\n";
  write(folder / "t.txt", text);
  Config options = subwords_of(folder / "t.txt");
  // Those of another text, so that trained ones are told apart.
  const Subwords kept(other, 280, "other");
  const SubwordFolder cache(folder.path());
  write(cache.model_file(kept.hash()), kept.model());
  write(cache.origin_file(kept.hash()), SubwordFolder::origin(text.substr(0, 8280), 280));

  Registry registry;
  register_builtin_tasks(registry);
  registry.set_task_cache(folder.path().string());
  Problems problems;
  Config resolved = registry.task("text").resolve(options, "task", problems);
  CHECK(problems.lines() == Lines{});
  CHECK(resolved.find("subwords")->text() == kept.hash());
  const auto task = registry.task("text").make(resolved, 1);
  CHECK(dynamic_cast<const SubwordsTraits&>(*task).subwords()->model() == kept.model());
  registry.set_task_cache("");
  CHECK_THROWS_WITH(registry.task("text").make(resolved, 1), ContainsSubstring("trains other subwords"));
}
