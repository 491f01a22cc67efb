#include <algorithm>
#include <map>
#include <set>

#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

namespace {

struct Shape {
  Index length, vocab, noise_vocab;
  std::string noise;
};

Given options_of(const Shape& s, const std::string& labels = "all") {
  return {{"length", std::to_string(s.length)},
          {"vocab", std::to_string(s.vocab)},
          {"noise_vocab", std::to_string(s.noise_vocab)},
          {"noise", s.noise},
          {"labels", labels}};
}

const Shape kShapes[] = {{128, 16, 0, "0"}, {128, 32, 16, "0.2"}, {128, 32, 16, "0.8"},
                         {4, 2, 0, "0"},    {4, 5, 1, "1"},       {64, 40, 20, "1"}};

// The labels that a test scores, found from the tokens alone.
std::vector<Token> recalled_labels(const std::vector<Token>& tokens, Index keys) {
  std::vector<Token> labels(tokens.size(), kUnscored);
  std::map<Token, Token> value;
  for (std::size_t i = 0; i < tokens.size(); i += 2) {
    if (tokens[i] >= keys) continue;
    if (value.count(tokens[i])) labels[i] = value[tokens[i]];
    value[tokens[i]] = tokens[i + 1];
  }
  return labels;
}

}  // namespace

TEST_CASE("recall: a sequence has pairs, of a key and its fixed value or of two noise tokens") {
  for (const char* name : {"recall", "noisy_recall"})
    for (const Shape& shape : kShapes) {
      const auto task = make_task(name, options_of(shape));
      const Index keys = (shape.vocab - shape.noise_vocab) / 2;
      for (const Sequence& s : draw_all(*task, Split::test, 50)) {
        std::map<Token, Token> value;
        for (Index i = 0; i < shape.length; i += 2) {
          const Token first = s.tokens[i], second = s.tokens[i + 1];
          REQUIRE((first >= 0 && first < shape.vocab && second < shape.vocab));
          if (first >= 2 * keys) {
            REQUIRE(second >= 2 * keys);
            continue;
          }
          REQUIRE(first < keys);
          REQUIRE((second >= keys && second < 2 * keys));
          if (i == shape.length - 2) REQUIRE(value.count(first) == 1);  // the last pair asks again
          REQUIRE(value.emplace(first, second).first->second == second);
        }
        REQUIRE(s.tokens[shape.length - 2] < keys);
      }
    }
}

TEST_CASE("recall: validation and test score the values of keys seen before, never noise or a first value") {
  for (const Shape& shape : kShapes)
    for (const char* labels : {"all", "recalled"}) {
      const auto task = make_task("recall", options_of(shape, labels));
      const Index keys = (shape.vocab - shape.noise_vocab) / 2;
      for (Split split : {Split::validation, Split::test})
        for (const Sequence& s : draw_all(*task, split, 50))
          REQUIRE(s.labels == recalled_labels(s.tokens, keys));
    }
}

TEST_CASE("recall: training scores every next token, or on request what tests score") {
  const Shape noisy{128, 32, 16, "0.5"};
  const auto all = make_task("noisy_recall", options_of(noisy)),
             recalled = make_task("noisy_recall", options_of(noisy, "recalled"));
  for (std::uint64_t i = 0; i < 50; ++i) {
    const Sequence a = draw(*all, Split::train, i), r = draw(*recalled, Split::train, i);
    REQUIRE(a.tokens == r.tokens);
    REQUIRE(std::equal(a.tokens.begin() + 1, a.tokens.end(), a.labels.begin()));
    REQUIRE(a.labels.back() == kUnscored);
    REQUIRE(r.labels == recalled_labels(r.tokens, 8));
  }
}

TEST_CASE("recall: the number of noise pairs is as configured") {
  const auto task = make_task("noisy_recall", {{"noise", "0.3"}});
  int noise = 0;
  for (const Sequence& s : draw_all(*task, Split::train, 500))
    for (Index i = 0; i < 126; i += 2) noise += s.tokens[i] >= 16;
  // 62 of the 64 pairs may be noise; 31,000 chances of 0.3 have a deviation of 81.
  CHECK(std::abs(noise - 9300) < 6 * 81);
}

TEST_CASE("recall: if all pairs may be noise, one pair at a random position is not") {
  const auto task = make_task("recall", options_of({16, 6, 2, "1"}));
  std::set<Index> places;
  for (const Sequence& s : draw_all(*task, Split::train, 200)) {
    Index pairs = 0;
    for (Index i = 0; i < 14; i += 2)
      if (s.tokens[i] < 4) {
        ++pairs;
        places.insert(i);
      }
    REQUIRE(pairs == 1);
  }
  CHECK(places.size() == 7);
}

TEST_CASE("recall: the last pair asks for each different key equally often, however often it was shown") {
  const auto task = make_task("recall", options_of({8, 4, 0, "0"}));  // two keys, three pairs before the last
  int asked = 0, rare = 0;
  for (const Sequence& s : draw_all(*task, Split::train, 4000)) {
    const int ones = s.tokens[0] + s.tokens[2] + s.tokens[4];
    if (ones != 1) continue;  // key 1 once, key 0 twice
    ++asked;
    rare += s.tokens[6] == 1;
  }
  CHECK(std::abs(rare - asked / 2) < 120);  // 6 deviations of sqrt(1500) / 2
}

TEST_CASE("recall: the published settings are the defaults") {
  CHECK(make_task("recall")->shape().classes == 16);
  CHECK(make_task("noisy_recall")->shape().classes == 32);
  CHECK(make_task("recall")->shape().input.length == 128);
  Registry registry;
  register_builtin_tasks(registry);
  Problems problems;
  CHECK(registry.task("noisy_recall").resolve(Config(), "task", problems).canonical() ==
        "{labels: all, length: 128, noise: 0.2, noise_vocab: 16, vocab: 32}");
}

TEST_CASE("recall: refuses wrong sizes") {
  CHECK(begin_with(refusals("recall", {{"length", "127"}, {"vocab", "17"}, {"noise", "0.5"}}),
                   Lines{"task.length: 127 is odd",
                         "task.vocab: 17 without the 0 noise tokens leaves 17; it must leave an even number",
                         "task.noise: 0.5 needs a 'noise_vocab' of at least 1"}));
  CHECK(begin_with(refusals("noisy_recall", {{"vocab", "16"}}),
                   Lines{"task.vocab: 16 without the 16 noise tokens leaves 0"}));
  CHECK(refusals("recall", {{"noise", "1.5"}}) ==
        Lines{"task.noise: 1.5 is out of range; it must be from 0 to 1."});
}

TEST_CASE("recall: data have the golden hashes") {
  CHECK(golden_hash(*make_task("recall")) == 0x842a013f19c84484);
  CHECK(golden_hash(*make_task("noisy_recall")) == 0x8df6d9ff58c4e066);
}
