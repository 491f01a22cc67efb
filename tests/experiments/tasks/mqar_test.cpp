#include <algorithm>
#include <cmath>
#include <set>

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

TEST_CASE("mqar: refuses wrong sizes, all at once") {
  CHECK(refusals("mqar", Given{}).empty());
  CHECK(begin_with(refusals("mqar", {{"length", "63"}, {"pairs", "16"}, {"vocab", "61"}}),
                   Lines{"task.length: 63 is odd", "task.vocab: 61 is odd",
                         "task.vocab: 61 must be more than 'length' (63)",
                         "task.pairs: 16 pairs need a 'length' of at least 64"}));
  CHECK(refusals("mqar", {{"filler", "noise"}}) ==
        Lines{"task.filler: unknown value 'noise'. Known: zero, random."});
  CHECK(refusals("mqar", {{"pair", "3"}}).at(0).find("Did you mean 'pairs'?") != std::string::npos);
}

TEST_CASE("mqar: data have the golden hash") {
  CHECK(golden_hash(*make_task("mqar")) == 0xf9aa64d75a7468ee);
  CHECK(golden_hash(*make_task("mqar", options_of({128, 8, 512}, "1", "random"))) == 0xcfa0294791e5f8c9);
}
