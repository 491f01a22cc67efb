// What `heed check` prints and how it ends; the checks themselves have their tests in tests/broken.
#include <string>
#include <vector>

#include "core/check/conformance.h"
#include "tests/catch.h"
#include "tests/experiments/cli/program.h"
#include "tests/paths.h"
#include "tests/results/temp_folder.h"

namespace {

using heed::test::Ended;
using heed::test::TempFolder;
using Words = std::vector<std::string>;

Ended heed_in_temp(const Words& words) {
  const TempFolder folder;
  return heed::test::heed(folder.path(), words);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("heed check: a check is explained, if its name is one word or several") {
  const Ended causality = heed_in_temp({"check", "--explain", "causality"});
  CHECK(causality.code == 0);
  CHECK(causality.out.starts_with("causality: no output depends on a hidden position\n\nDone     "));
  const Ended words = heed_in_temp({"check", "--explain", "batch", "independence"});
  CHECK(words.code == 0);
  CHECK(words.out.starts_with("batch independence: "));
  CHECK(heed_in_temp({"check", "--explain", "batch-independence"}).out == words.out);
}

TEST_CASE(
    "heed check: every check is explained with its summary by `--explain all`, and listed in the help") {
  const Ended all = heed_in_temp({"check", "--explain", "all"}), help = heed_in_temp({"check", "--help"});
  CHECK(all.code == 0);
  CHECK(help.code == 0);
  for (const heed::CheckInfo& c : heed::all_checks()) {
    CAPTURE(std::string(c.name));
    CHECK_THAT(all.out, ContainsSubstring(std::string(c.text)));
    CHECK_THAT(help.out,
               ContainsSubstring("  " + std::string(c.name)) && ContainsSubstring(std::string(c.summary)));
  }
}

TEST_CASE("heed check: an unknown check is refused with the nearest one") {
  for (const char* option : {"--explain", "--only"}) {
    const Ended ended = heed_in_temp({"check", option, "causalty"});
    CHECK(ended.code == 2);
    CHECK_THAT(ended.err,
               ContainsSubstring("unknown check 'causalty'. Did you mean 'causality'? Known: bounds"));
  }
}

TEST_CASE("heed check: a variant that passes is a row for each check and exit code 0") {
  const Ended ended = heed_in_temp({"check", "swiglu"});
  CHECK(ended.code == 0);
  for (const heed::CheckInfo& c : heed::all_checks())
    CHECK_THAT(ended.out, ContainsSubstring("\n  " + std::string(c.name) + ' '));
  CHECK_THAT(ended.out,
             !ContainsSubstring("\n!") && !ContainsSubstring("--explain") && !ContainsSubstring("\x1b"));
}

TEST_CASE("heed check: a variant that fails has marked rows, advice once for each check, and exit code 1") {
  const std::string plugin = (heed::test::build_dir() / "tests" / "broken" / "forgotten_scale.so").string();
  const Ended ended = heed_in_temp({"check", "--plugin", plugin, "forgotten_scale"});
  CHECK(ended.code == 1);
  CHECK_THAT(ended.out, ContainsSubstring("\n! gradient ") && ContainsSubstring("\n! cross shapes "));
  CHECK_THAT(ended.out, ContainsSubstring("\n      key.weight[") && ContainsSubstring("ratio 2.44949"));
  CHECK_THAT(ended.out,
             ContainsSubstring("\n      The ratio is 2.44949 in all 36 coordinates: backward forgets"));
  CHECK(count(ended.out, "    heed check --explain gradient\n") == 1);
  CHECK(count(ended.out, "--explain") == count(ended.out, "\n! "));
  const Ended one = heed_in_temp({"check", "--plugin", plugin, "forgotten_scale", "--only", "threads"});
  CHECK(one.code == 0);
}

TEST_CASE("heed check: one check can be run by itself") {
  const Ended ended = heed_in_temp({"check", "swiglu", "--only", "save-and-load"});
  CHECK(ended.code == 0);
  CHECK_THAT(ended.out, ContainsSubstring("\n  save and load "));
  CHECK(count(ended.out, "passed") == count(ended.out, "save and load") + 1);
}

TEST_CASE("heed check: an unknown variant is refused with the nearest one") {
  const Ended ended = heed_in_temp({"check", "sofmax"});
  CHECK(ended.code == 2);
  CHECK_THAT(ended.err, ContainsSubstring("Did you mean 'softmax'?"));
}

TEST_CASE("heed check: a name of another kind is refused with its kind") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"mqar", "'mqar' is a task. Only variants can be checked"},
      {"rope", "'rope' is a kind of position. Check an attention variant"},
      {"gradient", "'gradient' is a check. Write `heed check VARIANT --only gradient`"}};
  for (const auto& [name, message] : cases) {
    const Ended ended = heed_in_temp({"check", name});
    CHECK(ended.code == 2);
    CHECK_THAT(ended.err, ContainsSubstring(message));
  }
  CHECK_THAT(heed_in_temp({"data", "softmax", "-n", "1", "-o", "x.h5"}).err,
             ContainsSubstring("'softmax' is an attention variant, not a task"));
  CHECK_THAT(heed_in_temp({"data", "mlp", "-n", "1", "-o", "x.h5"}).err,
             ContainsSubstring("'mlp' is a feed-forward, not a task"));
}
