#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/tasks/task_data.h"

using namespace heed;
using namespace heed::test;

namespace {

constexpr std::uint64_t kMany = 20000;

// Evaluates with a stack, from the definition. Also returns how deep operators nest.
std::pair<Token, std::size_t> evaluate(const std::vector<Token>& tokens) {
  std::vector<std::vector<Token>> open;  // operator and arguments so far
  std::size_t depth = 0;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    if (tokens[t] < 10) {
      open.back().push_back(tokens[t]);
    } else if (tokens[t] < 14) {
      open.push_back({tokens[t]});
      depth = std::max(depth, open.size());
    } else {
      std::vector<Token> list(open.back().begin() + 1, open.back().end());
      const Token op = open.back().front();
      open.pop_back();
      REQUIRE((list.size() >= 2 && list.size() <= 5));
      std::ranges::sort(list);
      const std::size_t n = list.size();
      const Token value = op == 10   ? list.front()
                          : op == 11 ? list.back()
                          : op == 12 ? (n % 2 ? list[n / 2] : (list[n / 2 - 1] + list[n / 2]) / 2)
                                     : std::accumulate(list.begin(), list.end(), 0) % 10;
      if (open.empty()) {
        REQUIRE(t + 1 == tokens.size());
        return {value, depth};
      }
      open.back().push_back(value);
    }
  }
  FAIL("an operator is not closed");
  return {};
}

}  // namespace

TEST_CASE("listops: the label is the value of the operations") {
  const auto task = make_task("listops");
  for (const Split split : kSplits)
    for (const Sequence& s : draw_all(*task, split, 500)) {
      REQUIRE((s.tokens.size() >= 8 && s.tokens.size() <= 64));
      const auto [value, depth] = evaluate(s.tokens);
      REQUIRE(s.labels == std::vector<Token>{value});
      REQUIRE((depth >= 1 && depth <= 4));
    }
}

// The shares were measured with 100,000 draws of another program.
TEST_CASE("listops: lengths, depths and labels have the shares of the published generator") {
  std::vector<double> lengths, labels(10);
  std::map<std::size_t, double> depths;
  for (const Sequence& s : draw_all(*make_task("listops"), Split::train, kMany)) {
    lengths.push_back(static_cast<double>(s.tokens.size()));
    ++depths[evaluate(s.tokens).second];
    ++labels.at(static_cast<std::size_t>(s.labels[0]));
  }
  const double n = static_cast<double>(kMany),
               mean = std::accumulate(lengths.begin(), lengths.end(), 0.0) / n;
  std::ranges::sort(lengths);
  CHECK(mean == Approx(25.9).margin(0.5));
  CHECK(lengths[kMany / 2] == Approx(23).margin(1));
  CHECK(lengths[kMany * 9 / 10] == Approx(46).margin(1));
  CHECK(100 * depths[2] / n == Approx(20.9).margin(1.5));
  CHECK(100 * depths[3] / n == Approx(13.9).margin(1.5));
  CHECK(100 * depths[4] / n == Approx(65.2).margin(1.5));
  constexpr double expected[] = {11.0, 9.9, 9.8, 9.8, 10.1, 9.8, 9.6, 9.2, 9.7, 11.0};
  for (std::size_t c = 0; c < 10; ++c) CHECK(100 * labels[c] / n == Approx(expected[c]).margin(1.2));
}

TEST_CASE("listops: the task is one of an encoder with one label per sequence") {
  const TaskShape shape = make_task("listops", {{"length", "100"}})->shape();
  CHECK(shape.model == ModelType::encoder);
  CHECK(shape.labels == Labels::per_sequence);
  CHECK(shape.classes == 10);
  CHECK(shape.input == Stream{Stream::Kind::tokens, 15, 100});
}

TEST_CASE("listops: lengths that almost no sequence has are refused") {
  CHECK(begin_with(refusals("listops", {{"shortest", "65"}}),
                   Lines{"task.shortest: 65 must be at most 'length' (64)"}));
  CHECK(begin_with(
      refusals("listops", {{"nested", "0"}}),
      Lines{"task.length: only 0 of 1000 sequences with 'depth' 4, 'arguments' 5 and 'nested' 0 have "
            "8 to 64 tokens"}));
  CHECK(refusals("listops", {{"depth", "10"}, {"arguments", "10"}, {"shortest", "500"}, {"length", "2000"}})
            .empty());
}

TEST_CASE("listops: data have the golden hashes") {
  CHECK(golden_hash(*make_task("listops")) == 0xedf4eda082cf0b03);
  CHECK(golden_hash(*make_task("listops", {{"length", "30"}, {"depth", "3"}, {"arguments", "9"}})) ==
        0x48e82b83c2c823e0);
}
