// What is chosen on validation, and what is chosen with it.
#include "experiments/report/compare/selection.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "tests/experiments/report/compared_sample.h"

using namespace heed::test;

TEST_CASE("select: uses validation, not the reported metric") {
  heed::CompareOptions options;
  options.select = "train.lr";
  const Comparison c = heed::compare(eight_trials(), options);
  REQUIRE(c.rows.size() == 2);
  CHECK(c.rows[0].setting == std::vector<std::string>{"0.1"});  // 0.2 is better on test
  CHECK(c.rows[0].center == Approx(0.6));
  CHECK(c.rows[1].setting == std::vector<std::string>{"0.2"});
  CHECK(heed::validation_metric("test_loss") == "final_validation_loss");
  CHECK(c.selected == "lr");
  CHECK(c.rows[0].solved == 2);  // both trials at 0.2, which was not chosen
  CHECK(c.rows[0].tried == 4);
}

TEST_CASE("select: parameters that change with the selected one are selected with it") {
  heed::CompareOptions options;
  options.select = "lr";
  const auto with = [](const char* name, const char* path, std::vector<Value> values) {
    Results r = eight_trials();
    r.columns.push_back({name, path, Role::parameter, std::move(values), "", "", false});
    return r;
  };
  SECTION("a warm-up of its own for each rate, or the rest of a random point") {
    const Comparison c =
        heed::compare(with("warmup", "train.warmup", {10, 10, 20, 20, 10, 10, 20, 20}), options);
    CHECK(c.varied == Texts{"lr", "warmup"});
    CHECK(c.chosen == std::vector<bool>{true, true});
    REQUIRE(c.rows.size() == 2);
    CHECK(c.rows[0].setting == Texts{"0.1", "10"});
    CHECK(c.rows[1].setting == Texts{"0.2", "20"});
    CHECK_FALSE(c.rows[1].against.verdict.empty());  // each at its own value
    CHECK(has_note(c, "lr, and warmup with it, is chosen by final_validation_accuracy"));
  }
  SECTION("what varies by itself stays apart") {
    Results r = eight_trials();
    for (Column& column : r.columns)
      for (std::size_t i = 0; i < 8; ++i) column.values.push_back(Value(column.values[i]));
    for (int i = 8; i < 16; ++i) r.trial.push_back(i);
    r.columns.push_back({"decay", "train.weight_decay", Role::parameter, {}, "", "", false});
    for (int i = 0; i < 16; ++i) r.columns.back().values.emplace_back(i < 8 ? 0.0 : 0.1);
    const Comparison c = heed::compare(r, options);
    CHECK(c.chosen == std::vector<bool>{true, false});
    CHECK(c.rows.size() == 4);
  }
  SECTION("a length is asked, not chosen") {
    const Comparison c =
        heed::compare(with("length", "task.length", {16, 16, 32, 32, 16, 16, 32, 32}), options);
    CHECK(c.rows.size() == 4);
    CHECK(c.selected.empty());
    CHECK(has_note(c, "lr has one value at each setting: nothing is chosen."));
  }
  SECTION("seeds and variants cannot be chosen, metrics neither") {
    const auto chosen = [&](const char* name) {
      options.select = name;
      return heed::compare(eight_trials(), options);
    };
    CHECK_THROWS_WITH(chosen("seed"), ContainsSubstring("it is what is averaged over"));
    CHECK_THROWS_WITH(chosen("variant"), ContainsSubstring("variants are what is compared"));
    CHECK_THROWS_WITH(chosen("test_accuracy"), ContainsSubstring("no parameter 'test_accuracy'"));
    CHECK(has_note(chosen("size"), "size has one value at each setting: nothing is chosen."));
  }
}

TEST_CASE("select: a value with incomplete trials is selected last") {
  Results r = eight_trials();
  r.columns[4].values[0] = std::string("diverged");
  heed::CompareOptions options;
  options.select = "lr";
  const Comparison c = heed::compare(r, options);
  CHECK(c.rows[0].setting == Texts{"0.2"});
  CHECK(c.rows[1].setting == Texts{"0.2"});
  CHECK(c.rows[1].against.test.pairs == 1);  // each at its own value, paired by seed
}

TEST_CASE("select: a value at the edge of those tried is named for each variant") {
  heed::CompareOptions options;
  options.select = "lr";
  const Comparison both = heed::compare(eight_trials(), options);
  CHECK(both.rows[0].edge == heed::Edge::smallest);
  CHECK(both.rows[1].edge == heed::Edge::largest);
  CHECK(has_note(both,
                 "The chosen lr is at the edge of what was tried for a (0.1, the smallest), b (0.2, the "
                 "largest): the best may lie beyond."));

  // Three rates for each variant: a is best in the middle, b at the largest.
  Results r = trials_of({{0.1, 0.1, 0.1}, {0.1, 0.1, 0.1}});
  r.columns.push_back({"lr", "train.lr", Role::parameter, {0.1, 0.2, 0.3, 0.1, 0.2, 0.3}, "", "", false});
  r.columns.push_back(
      {"final_validation_accuracy", "", Role::metric, {0.1, 0.5, 0.3, 0.1, 0.2, 0.6}, "", "", false});
  const Comparison one = heed::compare(r, options);
  CHECK(one.rows[0].edge == heed::Edge::none);
  CHECK(has_note(one, "for b (0.3, the largest):"));

  SECTION("over several settings they are counted") {
    r.columns.push_back({"length", "task.length", Role::parameter, {8, 8, 8, 8, 8, 8}, "", "", false});
    for (Column& column : r.columns)
      for (std::size_t i = 0; i < 6; ++i) column.values.push_back(Value(column.values[i]));
    for (std::size_t i = 6; i < 12; ++i) {
      r.trial.push_back(static_cast<std::int64_t>(i));
      r.columns.back().values[i] = 16;
    }
    CHECK(has_note(heed::compare(r, options), "for b (0.3, the largest; at 2 of 2 settings):"));
  }
  SECTION("words have no edge, and where nothing was chosen there is none") {
    r.columns[4] = {"clip", "train.clip", Role::parameter, {"x", "y", "z", "x", "y", "z"}, "", "", false};
    options.select = "clip";
    CHECK_FALSE(has_note(heed::compare(r, options), "edge"));
  }
}
