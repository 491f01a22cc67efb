#include "experiments/comparison.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "experiments/table_text.h"
#include "tests/catch.h"

namespace {

using heed::Comparison;
using heed::results::Column;
using heed::results::Results;
using heed::results::Role;
using heed::results::Value;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Trials of two variants at two learning rates, two seeds each.
Results eight_trials() {
  const auto column = [](const char* name, const char* parameter, Role role, std::vector<Value> values) {
    return Column{name, parameter, role, std::move(values), "", "", false};
  };
  Results r;
  for (int i = 0; i < 8; ++i) r.trial.push_back(i);
  const std::string done = "done";
  r.columns = {
      column("variant", "variant", Role::parameter, {"a", "a", "a", "a", "b", "b", "b", "b"}),
      column("seed", "seed", Role::parameter, {0, 1, 0, 1, 0, 1, 0, 1}),
      column("lr", "train.lr", Role::parameter, {0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0.2, 0.2}),
      column("size", "attention.size", Role::parameter, {1, 1, 1, 1, 2, 2, 2, 2}),
      column("status", "", Role::trial, {done, done, done, done, done, "diverged", done, done}),
      column("test_accuracy", "", Role::metric, {0.5, 0.7, 0.9, 0.9, 0.1, kNaN, 0.2, kNaN}),
      column("final_validation_accuracy", "", Role::metric, {0.8, 0.8, 0.6, 0.6, 0.3, kNaN, 0.4, 0.4}),
  };
  return r;
}

}  // namespace

TEST_CASE("trials are grouped by variant and by what varies within a variant") {
  const Comparison c = heed::compare(eight_trials(), {});
  CHECK(c.varied ==
        std::vector<std::string>{"lr"});  // size differs between variants alone, the seed is what is averaged
  REQUIRE(c.rows.size() == 4);
  CHECK(c.rows[0].variant == "a");
  CHECK(c.rows[0].setting == std::vector<std::string>{"0.1"});
  CHECK(c.rows[0].mean() == Approx(0.6));
  CHECK(c.rows[0].deviation() == Approx(std::sqrt(0.02)));
  CHECK(c.rows[2].values == std::vector<double>{0.1});
  CHECK(c.rows[2].not_done == 1);
  CHECK(std::isnan(c.rows[2].deviation()));
  CHECK(c.notes == std::vector<std::string>{"1 of 8 trials are not done and are averaged in nowhere.",
                                            "1 trials that are done have no test_accuracy."});
}

TEST_CASE("a parameter is chosen on validation, not on what is reported") {
  heed::CompareOptions options;
  options.select = "train.lr";
  const Comparison c = heed::compare(eight_trials(), options);
  REQUIRE(c.rows.size() == 2);
  CHECK(c.rows[0].setting == std::vector<std::string>{"0.1"});  // 0.2 is better on test
  CHECK(c.rows[0].mean() == Approx(0.6));
  CHECK(c.rows[1].setting == std::vector<std::string>{"0.2"});
  CHECK(heed::validation_metric("test_loss") == "final_validation_loss");
  CHECK(heed::lower_is_better("test_loss"));
  CHECK_FALSE(heed::lower_is_better("test_accuracy"));
}

TEST_CASE("what stands in a slot of the model is one column, in a word") {
  Results r = eight_trials();
  const auto parameter = [](const char* name, const char* path, std::vector<Value> values) {
    return Column{name, path, Role::parameter, std::move(values), "", "", false};
  };
  r.columns[2].values.assign(8, 0.1);
  r.columns.push_back(
      parameter("name", "model.positions.name",
                {"learned", "learned", "rope", "rope", "learned", "learned", "rope", "rope"}));
  r.columns.push_back(parameter("base", "model.positions.base", {kNaN, kNaN, 9, 9, kNaN, kNaN, 9, 9}));
  r.columns.push_back(
      parameter("layout", "model.positions.layout", {"", "", "half", "half", "", "", "half", "half"}));
  const auto settings = [](const Comparison& c) {
    std::vector<std::string> out;
    for (const auto& row : c.rows) out.push_back(row.setting.at(0));
    return out;
  };
  using Texts = std::vector<std::string>;
  CHECK(heed::compare(r, {}).varied == Texts{"model.positions"});
  CHECK(settings(heed::compare(r, {})) == Texts{"learned", "rope", "learned", "rope"});
  SECTION("options that differ where the same name stands are shown") {
    r.columns[r.columns.size() - 2].values = {kNaN, kNaN, 9, 9, kNaN, kNaN, 7, 7};
    CHECK(settings(heed::compare(r, {})) == Texts{"learned", "rope(base=9)", "learned", "rope(base=7)"});
  }
  SECTION("it can be chosen on validation, by its path or that of an option") {
    heed::CompareOptions options;
    for (const char* path : {"model.positions", "model.positions.rope.base"}) {
      options.select = path;
      CHECK(settings(heed::compare(r, options)) == Texts{"learned", "rope"});
    }
  }
}

TEST_CASE("an unknown metric is refused with the nearest name") {
  heed::CompareOptions options;
  options.metric = "test_acuracy";
  CHECK_THROWS_WITH(
      heed::compare(eight_trials(), options),
      ContainsSubstring("the results have no metric 'test_acuracy'. Did you mean 'test_accuracy'?"));
}

TEST_CASE("where no trial is done the table counts what failed") {
  Results r = eight_trials();
  for (Value& v : r.columns[4].values) v = std::string("failed");
  r.columns.resize(5);
  const Comparison c = heed::compare(r, {});
  CHECK(c.rows[0].values.empty());
  CHECK(c.rows[0].not_done == 2);
  CHECK_THAT(heed::table_text(c), ContainsSubstring("8 of 8 trials are not done"));
}

TEST_CASE("the table is aligned, the CSV has every digit") {
  const Comparison c = heed::compare(eight_trials(), {});
  CHECK(
      heed::table_text(c).starts_with("variant   lr  test_accuracy  deviation  trials  not_done\n"
                                      "a        0.1         0.6000     0.1414       2         0\n"));
  CHECK(heed::csv_text(c).starts_with(
      "variant,lr,test_accuracy,deviation,trials,not_done\na,0.1,0.6,0.14142135623730"));
  CHECK(heed::aligned({{"x", "empty"}, {"a", ""}, {"b", ""}}) == "x\na\nb\n");
}
