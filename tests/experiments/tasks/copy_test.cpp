#include <algorithm>
#include <set>

#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

namespace {

struct Shape {
  Index length, tokens, vocab;
};

Given options_of(Shape s) {
  return {{"length", std::to_string(s.length)},
          {"tokens", std::to_string(s.tokens)},
          {"vocab", std::to_string(s.vocab)}};
}

const Shape kShapes[] = {{256, 16, 16}, {3, 1, 3}, {9, 4, 5}, {40, 1, 100}, {64, 20, 16}};

}  // namespace

TEST_CASE("copy: sequences end with the mark and blanks, whose labels are the tokens in order") {
  for (const std::string name : {"copy", "selective_copy"})
    for (const Shape& shape : kShapes) {
      const auto task = make_task(name, options_of(shape));
      for (const Sequence& s : draw_all(*task, Split::test, 50)) {
        const Index mark = shape.length - shape.tokens - 1;
        std::vector<Token> shown;
        for (Index t = 0; t < mark; ++t) {
          REQUIRE(s.tokens[t] >= 0);
          REQUIRE(s.tokens[t] <= shape.vocab - 2);
          REQUIRE(s.labels[t] == kUnscored);
          if (s.tokens[t] != shape.vocab - 2) shown.push_back(s.tokens[t]);
        }
        REQUIRE(s.tokens[mark] == shape.vocab - 1);
        REQUIRE(s.labels[mark] == kUnscored);
        for (Index t = mark + 1; t < shape.length; ++t) REQUIRE(s.tokens[t] == shape.vocab - 2);
        REQUIRE(shown == std::vector<Token>(s.labels.begin() + mark + 1, s.labels.end()));
      }
    }
}

TEST_CASE("copy: shows its tokens at the start") {
  const auto task = make_task("copy");
  for (const Sequence& s : draw_all(*task, Split::train, 50))
    CHECK(std::equal(s.tokens.begin(), s.tokens.begin() + 16, s.labels.end() - 16));
}

TEST_CASE("selective_copy: blanks are distributed evenly over the gaps before the tokens") {
  constexpr Index tokens = 16, blanks = 256 - 2 * tokens - 1, sequences = 400;
  const auto task = make_task("selective_copy");
  std::vector<double> before(tokens);
  for (const Sequence& s : draw_all(*task, Split::train, sequences)) {
    Index token = 0;
    for (Index t = 0; t < 256 - tokens - 1; ++t)
      if (s.tokens[t] == 14)
        ++before[token];
      else
        ++token;
    REQUIRE(token == tokens);
    REQUIRE(s.tokens[256 - tokens - 2] != 14);  // no gap behind the last token, as in the released generator
  }
  constexpr double expected = static_cast<double>(blanks * sequences) / static_cast<double>(tokens);
  double chi = 0;
  for (double n : before) chi += (n - expected) * (n - expected) / expected;
  CHECK(chi < 48);  // 15 degrees of freedom, 6 standard deviations
}

TEST_CASE("copy: every token is copied equally often, and the same may come twice") {
  const auto task = make_task("copy");
  std::vector<double> seen(14);
  Index twice = 0;
  for (const Sequence& s : draw_all(*task, Split::train, 500)) {
    for (Index t = 240; t < 256; ++t) ++seen[s.labels[t]];
    twice += std::set<Token>(s.labels.begin() + 240, s.labels.end()).size() < 16;
  }
  CHECK(twice == 500);  // 16 draws of 14 tokens
  double chi = 0;
  for (double n : seen) chi += (n - 8000.0 / 14) * (n - 8000.0 / 14) / (8000.0 / 14);
  CHECK(chi < 44);  // 13 degrees of freedom, 6 standard deviations
}

TEST_CASE("copy: it refuses tokens that do not fit") {
  CHECK(refusals("copy", {{"length", "33"}, {"tokens", "16"}}).empty());
  CHECK(refusals("selective_copy", {{"length", "32"}, {"tokens", "16"}}) ==
        Lines{"task.tokens: 16 tokens, the mark and 16 answers do not fit into 'length' (32)."});
  CHECK(refusals("copy", {{"vocab", "2"}}) ==
        Lines{"task.vocab: 2 is out of range; it must be from 3 to 16777216."});
}

TEST_CASE("copy: data have the golden hashes") {
  CHECK(golden_hash(*make_task("copy")) == 0xd1d0528ad063c8ed);
  CHECK(golden_hash(*make_task("selective_copy")) == 0xc4a0c642e9e873a8);
}
