#include <algorithm>
#include <set>

#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

namespace {

Given options_of(Index length, Index vocab, const std::string& score) {
  return {{"length", std::to_string(length)}, {"vocab", std::to_string(vocab)}, {"score", score}};
}

}  // namespace

TEST_CASE("induction: shows the mark twice and asks for the token after the first") {
  for (const auto& [length, vocab] : {std::pair<Index, Index>{30, 20}, {3, 2}, {4, 3}, {257, 50}}) {
    const auto task = make_task("induction", options_of(length, vocab, "last"));
    for (const Sequence& s : draw_all(*task, Split::test, 100)) {
      const Token mark = static_cast<Token>(vocab - 1);
      REQUIRE(std::count(s.tokens.begin(), s.tokens.end(), mark) == 2);
      REQUIRE(s.tokens.back() == mark);
      const Index p = std::find(s.tokens.begin(), s.tokens.end(), mark) - s.tokens.begin();
      REQUIRE(p <= length - 3);
      REQUIRE(*std::min_element(s.tokens.begin(), s.tokens.end()) >= 0);
      REQUIRE(*std::max_element(s.tokens.begin(), s.tokens.end()) == mark);
      REQUIRE(s.labels.back() == s.tokens[p + 1]);
      REQUIRE(std::count(s.labels.begin(), s.labels.end(), kUnscored) == length - 1);
    }
  }
}

TEST_CASE("induction: the mark may be at any position") {
  const auto task = make_task("induction");
  std::vector<double> places(28);
  for (const Sequence& s : draw_all(*task, Split::train, 2800))
    ++places.at(std::find(s.tokens.begin(), s.tokens.end(), 19) - s.tokens.begin());
  double chi = 0;
  for (double n : places) chi += (n - 100) * (n - 100) / 100;
  CHECK(chi < 71);  // 27 degrees of freedom, 6 standard deviations
}

TEST_CASE(
    "induction: with all positions scored, it repeats its first half and scores each pair that came before") {
  for (Index vocab : {2, 5, 20, 1000}) {
    const auto task = make_task("induction", options_of(40, vocab, "all"));
    for (const Sequence& s : draw_all(*task, Split::train, 50)) {
      REQUIRE(std::equal(s.tokens.begin(), s.tokens.begin() + 20, s.tokens.begin() + 20));
      REQUIRE(*std::max_element(s.tokens.begin(), s.tokens.end()) <= vocab - 2);
      std::set<std::pair<Token, Token>> before;
      for (Index t = 0; t < 39; ++t) {
        const bool repeated = !before.emplace(s.tokens[t], s.tokens[t + 1]).second;
        REQUIRE(s.labels[t] == (repeated ? s.tokens[t + 1] : kUnscored));
        if (t >= 20) REQUIRE(repeated);
      }
      REQUIRE(s.labels[39] == kUnscored);
    }
  }
}

TEST_CASE("induction: refuses an odd length if a half is repeated") {
  CHECK(refusals("induction", options_of(31, 20, "last")).empty());
  CHECK(refusals("induction", options_of(31, 20, "all")) ==
        Lines{"task.length: 31 is odd; 'score: all' repeats a half and needs an even length."});
  CHECK(refusals("induction", {{"score", "each"}}) ==
        Lines{"task.score: unknown value 'each'. Known: last, all."});
}

TEST_CASE("induction: data have the golden hashes") {
  CHECK(golden_hash(*make_task("induction")) == 0xc11018603ef78066);
  CHECK(golden_hash(*make_task("induction", options_of(64, 20, "all"))) == 0x654e7ae9a775bf2f);
}
