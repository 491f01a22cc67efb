#include <algorithm>
#include <cmath>
#include <set>

#include "core/task_traits.h"
#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

namespace {

struct Shape {
  Index length, pairs, vocab;
};

Given options_of(Shape s, const std::string& power = "0.01", const std::string& filler = "zero") {
  return {{"length", std::to_string(s.length)},
          {"pairs", std::to_string(s.pairs)},
          {"vocab", std::to_string(s.vocab)},
          {"power", power},
          {"filler", filler}};
}

const Shape kShapes[] = {{64, 4, 8192}, {64, 16, 66}, {512, 64, 8192}, {4, 1, 6}, {34, 5, 100}};

// How far the slots of the first key are from p(s) ~ (s+1)^(a-1): chi-square over 28 slots, 27 degrees of
// freedom.
double chi_square(const Task& task, double a) {
  constexpr int sequences = 4000, slots = 28, context = 8;
  std::vector<double> seen(slots), expected(slots);
  double sum = 0;
  for (int s = 0; s < slots; ++s) sum += expected[s] = std::pow(s + 1, a - 1);
  for (const Sequence& q : draw_all(task, Split::train, sequences))
    for (int s = 0; s < slots; ++s) seen[s] += q.labels[context + 2 * s] == q.tokens[1];
  double chi = 0;
  for (int s = 0; s < slots; ++s) {
    const double e = expected[s] / sum * sequences;
    chi += (seen[s] - e) * (seen[s] - e) / e;
  }
  return chi;
}
constexpr double kChiBound = 71;  // 27 + 6 standard deviations, sqrt(2 * 27)

}  // namespace

TEST_CASE("mqar: begins with pairs of a key and a value, all different") {
  for (const Shape& shape : kShapes) {
    const auto task = make_task("mqar", options_of(shape));
    for (const Sequence& s : draw_all(*task, Split::train, 50)) {
      std::set<Token> keys, values;
      for (Index i = 0; i < 2 * shape.pairs; i += 2) {
        keys.insert(s.tokens[i]);
        values.insert(s.tokens[i + 1]);
      }
      REQUIRE(keys.size() == static_cast<std::size_t>(shape.pairs));
      REQUIRE(values.size() == static_cast<std::size_t>(shape.pairs));
      REQUIRE(*keys.begin() >= 1);
      REQUIRE(*keys.rbegin() < shape.vocab / 2);
      REQUIRE(*values.begin() >= shape.vocab / 2);
      REQUIRE(*values.rbegin() < shape.vocab);
    }
  }
}

TEST_CASE("mqar: asks for each key once, each in another slot, and scores nothing else") {
  for (const Shape& shape : kShapes) {
    const auto task = make_task("mqar", options_of(shape));
    for (const Sequence& s : draw_all(*task, Split::validation, 50)) {
      std::multiset<Token> asked;
      for (Index t = 0; t < shape.length; ++t) {
        const bool query = t >= 2 * shape.pairs && s.tokens[t] != 0;
        REQUIRE((s.labels[t] != kUnscored) == query);
        if (!query) continue;
        REQUIRE(t % 2 == 0);
        asked.insert(s.tokens[t]);
        const auto key = std::find(s.tokens.begin(), s.tokens.end(), s.tokens[t]) - s.tokens.begin();
        REQUIRE(key < 2 * shape.pairs);
        REQUIRE(s.labels[t] == s.tokens[key + 1]);
      }
      REQUIRE(asked.size() == static_cast<std::size_t>(shape.pairs));
      REQUIRE(std::set<Token>(asked.begin(), asked.end()).size() == asked.size());
    }
  }
}

TEST_CASE("mqar: slots follow the power law") {
  for (const char* power : {"0.01", "1", "0.5", "2"}) {
    const double a = std::stod(power);
    const auto task = make_task("mqar", options_of({64, 4, 8192}, power));
    INFO("power " << power);
    CHECK(chi_square(*task, a) < kChiBound);
    CHECK(chi_square(*task, a + 0.3) > kChiBound);  // the measure sees a wrong law
  }
}

TEST_CASE("mqar: finds a slot for every key if all are needed and weights differ strongly") {
  for (const char* power : {"0", "10"}) {
    const auto task = make_task("mqar", options_of({256, 64, 300}, power));
    const Sequence s = draw(*task, Split::test, 0);
    CHECK(std::count(s.labels.begin(), s.labels.end(), kUnscored) == 256 - 64);
  }
}

TEST_CASE("mqar: fills with random tokens on request, with the same queries") {
  const Shape shape{64, 4, 8192};
  const auto task = make_task("mqar", options_of(shape, "0.01", "random"));
  std::set<Token> filler;
  for (const Sequence& s : draw_all(*task, Split::train, 100)) {
    CHECK(std::count(s.labels.begin(), s.labels.end(), kUnscored) == 60);
    for (Index t = 8; t < 64; ++t) {
      if (s.labels[t] == kUnscored) {
        filler.insert(s.tokens[t]);
        continue;
      }
      const auto key = std::find(s.tokens.begin(), s.tokens.begin() + 8, s.tokens[t]) - s.tokens.begin();
      REQUIRE(key % 2 == 0);
      REQUIRE(s.labels[t] == s.tokens[key + 1]);
    }
  }
  CHECK(*filler.begin() >= 0);
  CHECK(*filler.rbegin() < shape.vocab);
  CHECK(filler.size() > 3500);  // 5,200 draws of 8,192 tokens
}

TEST_CASE("mqar: some test queries are for keys that were not shown, the other splits do not change") {
  Given given = options_of({64, 8, 100});
  const auto without = make_task("mqar", given);
  given.emplace_back("unanswerable", "0.25");
  const auto with = make_task("mqar", given);
  const auto& traits = dynamic_cast<const AnswerableTraits&>(*with);
  CHECK(traits.asks_unanswerable());
  CHECK_FALSE(asks_unanswerable(*without));
  for (const Split split : {Split::train, Split::validation})
    CHECK(draw_all(*with, split, 20) == draw_all(*without, split, 20));
  constexpr int sequences = 1000;
  const std::vector<Sequence> before = draw_all(*without, Split::test, sequences),
                              after = draw_all(*with, Split::test, sequences);
  int replaced = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const std::vector<Token>&x = after[i].tokens, &y = after[i].labels;
    std::multiset<Token> asked;
    for (Index t = 0; t < 64; ++t) {
      REQUIRE((y[t] == kUnscored) == (before[i].labels[t] == kUnscored));
      if (y[t] == kUnscored) {
        REQUIRE(x[t] == before[i].tokens[t]);
        continue;
      }
      asked.insert(x[t]);
      const bool shown = std::find(x.begin(), x.begin() + 16, x[t]) != x.begin() + 16;
      REQUIRE(traits.is_answerable(x, t) == shown);
      if (shown) {
        REQUIRE((x[t] == before[i].tokens[t] && y[t] == before[i].labels[t]));
        continue;
      }
      ++replaced;
      REQUIRE((x[t] >= 1 && x[t] < 50 && y[t] >= 50 && y[t] < 100));
      REQUIRE(std::find(x.begin(), x.begin() + 16, y[t]) == x.begin() + 16);
      std::vector<Relevance> keys(64);
      with->relevance(x, y, t, keys);
      REQUIRE(std::ranges::count(keys, Relevance::none) == 64);
    }
    REQUIRE(std::set<Token>(asked.begin(), asked.end()).size() == asked.size());
  }
  CHECK(std::abs(replaced - 2000) < 6 * std::sqrt(8000 * 0.25 * 0.75));
}

TEST_CASE("mqar: all test queries may be for keys that were not shown, at the smallest vocabulary") {
  Given given = options_of({64, 16, 66});
  given.emplace_back("unanswerable", "1");
  const auto task = make_task("mqar", given);
  const auto& traits = dynamic_cast<const AnswerableTraits&>(*task);
  const Sequence s = draw(*task, Split::test, 0);
  for (Index t = 32; t < 64; ++t)
    if (s.labels[t] != kUnscored) CHECK_FALSE(traits.is_answerable(s.tokens, t));
}

TEST_CASE("mqar: refuses wrong sizes, all at once") {
  CHECK(refusals("mqar", Given{}).empty());
  CHECK(begin_with(refusals("mqar", {{"length", "63"}, {"pairs", "16"}, {"vocab", "61"}}),
                   Lines{"task.length: 63 is odd", "task.vocab: 61 is odd",
                         "task.vocab: 61 must be more than 'length' (63)",
                         "task.pairs: 16 pairs need a 'length' of at least 64"}));
  CHECK(refusals("mqar", {{"filler", "noise"}}) ==
        Lines{"task.filler: unknown value 'noise'. Known: zero, random."});
  CHECK(refusals("mqar", {{"unanswerable", "25"}}) ==
        Lines{"task.unanswerable: 25 is out of range; it must be from 0 to 1."});
  CHECK(refusals("mqar", {{"unanswerabel", "0.5"}}).at(0).find("Did you mean 'unanswerable'?") !=
        std::string::npos);
  CHECK(refusals("mqar", {{"pair", "3"}}).at(0).find("Did you mean 'pairs'?") != std::string::npos);
}

TEST_CASE("mqar: data have the golden hash") {
  CHECK(golden_hash(*make_task("mqar")) == 0xf9aa64d75a7468ee);
  CHECK(golden_hash(*make_task("mqar", options_of({128, 8, 512}, "1", "random"))) == 0xcfa0294791e5f8c9);
  Given given = options_of({128, 8, 512}, "1", "random");
  given.emplace_back("unanswerable", "0");
  CHECK(golden_hash(*make_task("mqar", given)) == 0xcfa0294791e5f8c9);
}
