#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

namespace {

Given options_of(Index n, const std::string& tokens, Index length = 32) {
  return {{"n", std::to_string(n)}, {"tokens", tokens}, {"length", std::to_string(length)}};
}

// The number of a permutation in lexicographic order: of each element, how many smaller ones come after it.
Token rank_of(const std::vector<Token>& p) {
  Token rank = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto smaller =
        std::count_if(p.begin() + std::ptrdiff_t(i), p.end(), [&](Token q) { return q < p[i]; });
    rank = static_cast<Token>(rank * std::ptrdiff_t(p.size() - i) + smaller);
  }
  return rank;
}

std::vector<Token> unranked(Token rank, Index n) {
  std::vector<Token> p(static_cast<std::size_t>(n));
  std::iota(p.begin(), p.end(), 0);
  while (rank_of(p) != rank) std::next_permutation(p.begin(), p.end());
  return p;
}

std::vector<Token> meaning(Token token, Index n, bool all) {
  if (all) return unranked(token, n);
  std::vector<Token> p = unranked(0, n);
  std::swap(p[static_cast<std::size_t>(token)], p[static_cast<std::size_t>(token) + 1]);
  return p;
}

}  // namespace

TEST_CASE("permutations: the example of docs/tasks.md") {
  // Of 3 elements, token 0 then token 1: (1 0 2), then (2 0 1), which have the numbers 2 and 4.
  const auto task = make_task("permutations", options_of(3, "swaps", 2));
  for (const Sequence& s : draw_all(*task, Split::train, 50))
    if (s.tokens == std::vector<Token>{0, 1}) {
      CHECK(s.labels == std::vector<Token>{2, 4});
      return;
    }
  FAIL("no sequence begins with the tokens 0 1");
}

TEST_CASE("permutations: each label is the product of the tokens so far, the latest applied last") {
  for (Index n : {3, 4, 5})
    for (const bool all : {false, true}) {
      const auto task = make_task("permutations", options_of(n, all ? "all" : "swaps", 12));
      CAPTURE(n, all);
      for (const Sequence& s : draw_all(*task, Split::test, 20)) {
        std::vector<Token> state = unranked(0, n);
        for (std::size_t t = 0; t < s.tokens.size(); ++t) {
          const std::vector<Token> x = meaning(s.tokens[t], n, all);
          for (Token& i : state) i = x[static_cast<std::size_t>(i)];
          REQUIRE(s.labels[t] == rank_of(state));
        }
      }
    }
}

TEST_CASE("permutations: the model reads n-1 swaps or n! permutations and predicts n! states") {
  const TaskShape swaps = make_task("permutations", options_of(4, "swaps"))->shape();
  CHECK(swaps.input.width == 3);
  CHECK(swaps.classes == 24);
  CHECK(make_task("permutations", options_of(5, "all"))->shape().input.width == 120);
}

TEST_CASE("permutations: every token comes equally often, and swaps reach every state") {
  std::vector<double> count(4);
  std::set<Token> states;
  for (const Sequence& s : draw_all(*make_task("permutations"), Split::train, 1000)) {
    for (Token x : s.tokens) ++count[static_cast<std::size_t>(x)];
    states.insert(s.labels.begin(), s.labels.end());
  }
  for (double n : count) CHECK(std::abs(n - 8000) < 6 * 77.5);  // standard deviations
  CHECK(states.size() == 120);
}

TEST_CASE("permutations: refuses other numbers of elements") {
  CHECK_FALSE(refusals("permutations", options_of(2, "swaps")).empty());
  CHECK_FALSE(refusals("permutations", options_of(6, "swaps")).empty());
  CHECK(refusals("permutations", options_of(3, "some")) ==
        Lines{"task.tokens: unknown value 'some'. Known: swaps, all."});
}

TEST_CASE("permutations: data have the golden hashes") {
  CHECK(golden_hash(*make_task("permutations")) == 0xa9b8da0ff1300e9d);
  CHECK(golden_hash(*make_task("permutations", options_of(5, "all", 12))) == 0x2340b1f664740a1d);
  CHECK(golden_hash(*make_task("permutations", options_of(3, "swaps", 64))) == 0xaae8cb6cae8b48b5);
}
