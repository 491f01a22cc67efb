#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <vector>

#include "core/task_traits.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"
#include "tests/results/temp_folder.h"

using namespace heed;
using namespace heed::test;

namespace {

// Where in the context (the first n tokens) a token is; checks that it is there once.
std::size_t place_of(const Sequence& s, Token token, std::size_t n) {
  const auto context = std::span(s.tokens).first(n);
  REQUIRE(std::ranges::count(context, token) == 1);
  return static_cast<std::size_t>(std::ranges::find(context, token) - context.begin());
}

}  // namespace

TEST_CASE("needle: the label at the end is the value after the key's only other occurrence") {
  for (const Split split : kSplits)
    for (const Sequence& s : draw_all(*make_task("needle"), split, 100)) {
      const std::size_t at = place_of(s, s.tokens.back(), 255);
      REQUIRE(s.tokens.back() < 32);
      REQUIRE(s.labels.back() == s.tokens[at + 1]);
      REQUIRE((s.labels.back() >= 32 && s.labels.back() < 64));
      REQUIRE(std::ranges::count(s.labels, kUnscored) == 255);
      for (std::size_t t = 0; t < 255; ++t) REQUIRE((t == at || t == at + 1 || s.tokens[t] >= 64));
    }
}

TEST_CASE("needle: of several pairs, the last positions ask for some; no key or value comes twice") {
  const auto task = make_task("needle", {{"needles", "6"}, {"ask", "2"}, {"length", "64"}});
  for (const Sequence& s : draw_all(*task, Split::test, 200)) {
    std::set<Token> shown;
    for (std::size_t t = 0; t < 62; ++t)
      if (s.tokens[t] < 64) REQUIRE(shown.insert(s.tokens[t]).second);
    REQUIRE(shown.size() == 12);
    for (const std::size_t query : {62, 63})
      REQUIRE(s.labels[query] == s.tokens[place_of(s, s.tokens[query], 62) + 1]);
  }
}

TEST_CASE("needle: depth is a place from the beginning of the context to its end") {
  for (const auto& [depth, expected] : {std::pair("0", 0), {"0.5", 127}, {"1", 253}}) {
    const auto task = make_task("needle", {{"depth", depth}});
    const Sequence s = draw(*task, Split::train, 0);
    CHECK(place_of(s, s.tokens.back(), 255) == static_cast<std::size_t>(expected));
    CHECK(dynamic_cast<const DepthTraits&>(*task).depth(s.tokens, 255) ==
          Approx(std::stod(depth)).margin(0.01));
  }
}

TEST_CASE("needle: uniform depths are equally likely") {
  const auto task = make_task("needle", {{"length", "13"}, {"needles", "2"}});
  std::vector<double> places(11);
  for (const Sequence& s : draw_all(*task, Split::test, 5500)) ++places.at(place_of(s, s.tokens.back(), 12));
  for (const double n : places) CHECK(std::abs(n - 500) < 6 * 22);  // standard deviations
}

TEST_CASE("needle: filler of text is the bytes of the split's part") {
  const TempFolder folder;
  std::ofstream(folder / "t.txt") << std::string(900, 'a') << std::string(50, 'b') << std::string(50, 'c');
  const auto task = make_task(
      "needle", {{"filler", "text"}, {"path", (folder / "t.txt").string()}, {"length", "16"}, {"keys", "4"}});
  CHECK(task->shape().input.width == 8 + 256);
  for (const auto& [split, byte] :
       {std::pair(Split::train, 'a'), {Split::validation, 'b'}, {Split::test, 'c'}})
    for (const Sequence& s : draw_all(*task, split, 20))
      CHECK(std::ranges::count(s.tokens, 8 + byte) == 13);  // the rest: a pair, and the key again
}

TEST_CASE("needle: options that do not fit together are refused") {
  const auto refused = [](const Given& given) { return refusals("needle", given); };
  CHECK(begin_with(refused({{"ask", "2"}}), Lines{"task.ask: 2 must be at most 'needles' (1)"}));
  CHECK(begin_with(refused({{"needles", "33"}}), Lines{"task.needles: 33 must be at most 'keys' (32)"}));
  CHECK(
      begin_with(refused({{"needles", "8"}, {"length", "32"}}),
                 Lines{"task.needles: 8 pairs need a context of at least 32 tokens; 'length' 32 leaves 31"}));
  for (const char* depth : {"1.5", "-0.1", "middle"})
    CHECK(begin_with(refused({{"depth", depth}}),
                     Lines{"task.depth: expected 'uniform' or a number from 0 to 1, found"}));
  CHECK(begin_with(refused({{"filler", "text"}, {"path", "/no/such"}}),
                   Lines{"task.path: cannot read the text '/no/such'"}));
}

TEST_CASE("needle: data have the golden hashes") {
  CHECK(golden_hash(*make_task("needle")) == 0x1c1b2563b68bc84a);
  CHECK(golden_hash(*make_task("needle", {{"needles", "6"}, {"ask", "2"}, {"depth", "0.3"}})) ==
        0xb808ac464bffe470);
}
