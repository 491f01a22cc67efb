#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

namespace {

using Motif = std::vector<Token>;

// A sequence in pieces. Tokens: 7 of keys, 8 of values, and the pad token 15.
struct Pieces {
  std::ptrdiff_t pads = 0;
  std::vector<std::pair<Motif, Motif>> pairs;
};

Pieces pieces_of(const Motif& tokens) {
  Pieces out;
  auto at = std::ranges::find_if(tokens, [](Token t) { return t != 15; });
  out.pads = at - tokens.begin();
  while (at != tokens.end()) {
    const auto middle = std::find_if(at, tokens.end(), [](Token t) { return t >= 7; });
    const auto end = std::find_if(middle, tokens.end(), [](Token t) { return t < 7; });
    out.pairs.push_back({{at, middle}, {middle, end}});
    at = end;
  }
  return out;
}

bool all_different(Motif motif) {
  std::ranges::sort(motif);
  return std::ranges::adjacent_find(motif) == motif.end();
}

}  // namespace

TEST_CASE("fuzzy_recall: a key has one value, and the last pair was shown before") {
  const auto task = make_task("fuzzy_recall");
  for (const Split split : kSplits)
    for (const Sequence& s : draw_all(*task, split, 200)) {
      const Pieces pieces = pieces_of(s.tokens);
      CHECK(pieces.pads < 6);
      std::map<Motif, Motif> shown;
      bool repeated = false;
      for (const auto& [key, value] : pieces.pairs) {
        REQUIRE((key.size() <= 3 && !key.empty() && value.size() <= 3 && !value.empty()));
        REQUIRE((all_different(key) && all_different(value)));
        if (split != Split::train) REQUIRE(key.size() == 3);
        const auto [known, is_new] = shown.insert({key, value});
        REQUIRE(known->second == value);
        repeated = !is_new;
      }
      REQUIRE(repeated);
    }
}

TEST_CASE("fuzzy_recall: tests score the tokens of repeated keys' values only, training every next token") {
  const auto task = make_task("fuzzy_recall"), recalled = make_task("fuzzy_recall", {{"labels", "recalled"}});
  for (const auto& [tested, split] :
       {std::pair(task.get(), Split::test), {recalled.get(), Split::train}, {task.get(), Split::validation}})
    for (const Sequence& s : draw_all(*tested, split, 100)) {
      Motif expected(s.tokens.size(), kUnscored);
      const Pieces pieces = pieces_of(s.tokens);
      std::map<Motif, Motif> shown;
      std::size_t at = static_cast<std::size_t>(pieces.pads);
      for (const auto& [key, value] : pieces.pairs) {
        at += key.size();
        if (!shown.insert({key, value}).second) std::ranges::copy(value, expected.begin() + at - 1);
        at += value.size();
      }
      REQUIRE(s.labels == expected);
    }
  for (const Sequence& s : draw_all(*task, Split::train, 20)) {
    Motif next(s.tokens.begin() + 1, s.tokens.end());
    next.push_back(kUnscored);
    REQUIRE(s.labels == next);
  }
}

TEST_CASE("fuzzy_recall: the pair asked for last is anywhere in the sequence") {
  const auto task = make_task(
      "fuzzy_recall", {{"vocab", "4001"}, {"length", "42"}, {"key_length", "1"}, {"value_length", "1"}});
  std::vector<double> places(20);
  for (const Sequence& s : draw_all(*task, Split::test, 4000)) {
    const auto at = std::ranges::find(s.tokens, s.tokens[40]) - s.tokens.begin();
    ++places.at(static_cast<std::size_t>(at / 2));
  }
  // A position of 0 .. 37 is drawn, and the pair begins there or at the next even one, so 0 and 38 have half.
  for (std::size_t i = 0; i < places.size(); ++i) {
    const double expected = 4000.0 * (i % 19 == 0 ? 1 : 2) / 38;
    CHECK(std::abs(places[i] - expected) < 6 * std::sqrt(expected));  // standard deviations
  }
}

TEST_CASE("fuzzy_recall: the shortest sequence has a pair and its repetition") {
  const auto task = make_task("fuzzy_recall", {{"length", "12"}});
  for (const Sequence& s : draw_all(*task, Split::test, 200)) {
    const Pieces pieces = pieces_of(s.tokens);
    REQUIRE(pieces.pairs.size() >= 2);
    REQUIRE(std::ranges::count(pieces.pairs, pieces.pairs.back()) >= 2);
  }
}

TEST_CASE("fuzzy_recall: options that do not fit together are refused") {
  CHECK(
      begin_with(refusals("fuzzy_recall", {{"length", "11"}}), Lines{"task.length: 11 must be at least 12"}));
  CHECK(begin_with(refusals("fuzzy_recall", {{"vocab", "6"}}),
                   Lines{"task.key_length: 3 different tokens are more than the 2 that keys have"}));
  CHECK(begin_with(refusals("fuzzy_recall", {{"vocab", "6"}, {"key_length", "1"}, {"value_length", "4"}}),
                   Lines{"task.value_length: 4 different tokens are more than the 3 that values have"}));
}

TEST_CASE("fuzzy_recall: data have the golden hashes") {
  CHECK(golden_hash(*make_task("fuzzy_recall")) == 0x6fa16bb30446bd2c);
  CHECK(golden_hash(*make_task("fuzzy_recall", {{"length", "31"}, {"vocab", "8"}, {"key_length", "2"}})) ==
        0x652647603a50bd00);
}
