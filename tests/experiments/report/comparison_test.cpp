#include "experiments/report/compare/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "experiments/report/compare/table_text.h"
#include "experiments/train/training.h"
#include "tests/catch.h"
#include "tests/experiments/report/compared_sample.h"

using namespace heed::test;

TEST_CASE("compare: groups trials by variant and by what varies within a variant") {
  const Comparison c = heed::compare(eight_trials(), {});
  CHECK(c.varied ==
        std::vector<std::string>{"lr"});  // size differs between variants alone, the seed is what is averaged
  REQUIRE(c.rows.size() == 4);
  CHECK(c.rows[0].variant == "a");
  CHECK(c.rows[0].setting == std::vector<std::string>{"0.1"});
  CHECK(c.rows[0].center == Approx(0.6));
  CHECK(c.rows[0].stddev == Approx(std::sqrt(0.02)));
  CHECK(c.rows[2].values == std::vector<double>{0.1});
  CHECK(c.rows[2].incomplete == 1);
  CHECK(std::isnan(c.rows[2].stddev));
  REQUIRE(c.notes.size() >= 2);
  CHECK_THAT(c.notes[0], ContainsSubstring("1 of 8 trials are incomplete") &&
                             ContainsSubstring(": b lr=0.1 seed=1 (diverged)."));
  CHECK(c.notes[1] == "1 trial that is done has no test_accuracy.");
}

TEST_CASE("compare: while trials are missing, rows of different settings are not compared") {
  Results r = eight_trials();
  r.columns[2].values = {0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2};  // each variant at one rate so far
  const Comparison c = heed::compare(r, {});
  CHECK(c.varied == Texts{"lr"});
  REQUIRE(c.rows.size() == 2);
  CHECK(c.rows[1].against.verdict.empty());
}

TEST_CASE("compare: parameters outside of a trial's id make no rows") {
  Results r = eight_trials();
  r.columns.push_back(
      {"checkpoint", "train.checkpoint", Role::parameter, {30, 60, 30, 60, 30, 60, 30, 60}, "", "", false});
  CHECK(heed::compare(r, {}).varied == Texts{"lr"});
}

TEST_CASE("compare: a parameter that trials lack has the value with which they were trained") {
  const auto [parameter, lacked, given, rows] = GENERATE(table<std::string, Value, Value, Texts>(
      {{"model.linear_bias", kNaN, 0.0, {"true", "false", "false"}},
       {"model.head_bias", kNaN, 1.0, {"false", "true", "true"}},
       {"task.unanswerable", kNaN, 0.5, {"0", "0.5", "0.5"}},
       {"task.train_sequences", kNaN, 100.0, {"0", "100", "100"}},
       {"train.context_parallel", kNaN, 2.0, {"1", "2", "2"}},
       {"train.dropout", kNaN, 0.1, {"0", "0.1", "0.1"}},
       {"train.precision", "", "bfloat16", {"float32", "bfloat16", "bfloat16"}},
       {"train.optimizer", "", "sgd", {"adamw", "sgd", "sgd"}}}));
  CAPTURE(parameter);
  Results r = eight_trials();
  r.columns[2] = {"swept", parameter, Role::parameter, {lacked, lacked, given, given}, "", "", false};
  r.columns[2].values.resize(8, given);
  const Comparison c = heed::compare(r, {});
  REQUIRE(c.varied == Texts{"swept"});
  Texts settings;
  for (const auto& row : c.rows) settings.push_back(row.setting.at(0));
  CHECK(settings == rows);
}

TEST_CASE("compare: a slot of the model is one column with one label") {
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

TEST_CASE("compare: refuses what is not a metric") {
  for (const char* name : {"variant", "status", "lr", "seed"})
    CHECK_THROWS_WITH(compare(eight_trials(), name),
                      ContainsSubstring("the results have no metric '" + std::string(name) + "'"));
}

TEST_CASE("compare: refuses an unknown metric and suggests the nearest name") {
  heed::CompareOptions options;
  options.metric = "test_acuracy";
  CHECK_THROWS_WITH(
      heed::compare(eight_trials(), options),
      ContainsSubstring("the results have no metric 'test_acuracy'. Did you mean 'test_accuracy'?"));
}

TEST_CASE("compare: if no trial is done, the table counts the failures") {
  Results r = eight_trials();
  for (Value& v : r.columns[4].values) v = std::string("failed");
  r.columns.resize(5);
  const Comparison c = heed::compare(r, {});
  CHECK(c.rows[0].values.empty());
  CHECK(c.rows[0].incomplete == 2);
  CHECK_THAT(heed::table_text(c), ContainsSubstring("8 of 8 trials are incomplete"));
}

TEST_CASE("compare: each variant is paired with the reference by seed") {
  const Results r = trials_of({{0.5, 0.6, 0.7, 0.8}, {0.6, 0.8, kNaN, 0.7}, {0.4, 0.3, 0.5, 0.7}});
  const Comparison c = heed::compare(r, {});
  CHECK(c.reference == "a");
  CHECK(c.rows[0].against.verdict.empty());
  const heed::Against &b = c.rows[1].against, &d = c.rows[2].against;
  CHECK(b.test.pairs == 3);
  CHECK(b.left_out == 1);
  CHECK(b.test.difference == Approx(0.2 / 3));
  CHECK(b.test.p == 0.75);  // of +0.1, +0.2, -0.1: six of eight sums are at least as large
  CHECK(d.test.pairs == 4);
  CHECK(d.test.difference == Approx(-0.175));
  CHECK(d.test.p == 0.125);
  CHECK(d.adjusted_p == 0.25);
  CHECK(b.adjusted_p == 0.75);
  CHECK(d.verdict == "no difference shown");
  CHECK(has_note(c, "1 of 12 trials are incomplete and are in no mean: b seed=2 (diverged)."));
  CHECK(has_note(c, "1 pair is left out of comparisons"));
  CHECK(has_note(c, "with 4 pairs, p is at least 0.125"));
  CHECK(has_note(c, "at least 7 seeds: p_holm of 2 comparisons can then reach 0.05"));
  SECTION("another reference turns the signs") {
    heed::CompareOptions options;
    options.reference = "c";
    const Comparison turned = heed::compare(r, options);
    CHECK(turned.rows[0].against.test.difference == Approx(0.175));
    CHECK(turned.rows[2].against.verdict.empty());
  }
  SECTION("a reference without trials is said") {
    heed::CompareOptions options;
    options.reference = "softmax";
    CHECK(has_note(heed::compare(r, options), "The results have no trial of the reference 'softmax'"));
  }
}

TEST_CASE("verdict_of: \"better\" depends on the metric") {
  const std::vector<std::vector<double>> values = {{1, 2, 3, 4, 5, 6}, {2, 3.5, 4, 5, 6, 7.5}};
  const auto verdict = [&](const char* metric) {
    return compare(trials_of(values, metric), metric).rows[1].against.verdict;
  };
  CHECK(verdict("test_accuracy") == "better");
  CHECK(verdict("tokens_per_second") == "better");
  CHECK(verdict("final_validation_loss") == "worse");
  CHECK(verdict("processor_seconds") == "worse");
  CHECK(verdict("parameters_head") == "worse");
  CHECK(verdict("final_gradient_norm") == "larger");
  CHECK(verdict("attention_on_answer") == "better");
  CHECK(verdict("attention_on_distractors") == "worse");
  for (const char* name : {"attention_entropy", "attention_on_first", "attention_effective_rank",
                           "attention_negative", "attention_head_divergence"})
    CHECK(verdict(name) == "larger");
  CHECK(heed::verdict_of("test_loss", -1, 0.05) == "better");
  CHECK(heed::verdict_of("test_loss", -1, 0.051) == "no difference shown");
  CHECK(heed::verdict_of("final_gradient_norm", -1, 0.01) == "smaller");
  CHECK(heed::better_when("state_bytes") == heed::Better::smaller);
}

TEST_CASE("plateau_step: a task that is solved at the first validation has left the plateau") {
  const auto steps = [](std::vector<double> accuracy) {
    heed::TrainLog log;
    log.evaluated_at = {100, 200, 300};
    log.validation_accuracy = std::move(accuracy);
    return std::pair(heed::plateau_step(log), heed::solved_step(log));
  };
  CHECK(steps({0.2, 0.35, 0.95}) == std::pair(200.0, 300.0));
  CHECK(steps({0.95, 0.97, 0.99}) == std::pair(100.0, 100.0));
  CHECK(steps({0.85, 0.88, 0.93}) == std::pair(300.0, 300.0));
  CHECK(std::isnan(steps({0.2, 0.25, 0.29}).first));
}

TEST_CASE("compare: steps that were never reached are the largest, not missing") {
  std::vector<std::vector<double>> steps = {{100, 150, 100, 200, 150, 100},
                                            {300, kNaN, 250, kNaN, kNaN, 400}};
  Results r = trials_of(steps, "solved_step");
  for (Value& v : r.columns[2].values) v = std::string("done");
  r.columns.push_back(
      {"final_validation_accuracy", "", Role::metric, std::vector<Value>(12, 0.5), "", "", false});
  Comparison c = compare(r, "solved_step");
  CHECK(c.rows[0].center == 100);
  CHECK(c.rows[1].center == 400);
  CHECK(c.rows[1].never() == 3);
  CHECK(c.rows[1].values.size() == 6);
  CHECK(c.rows[1].against.test.p == 0.03125);
  CHECK(c.rows[1].against.verdict == "worse");
  CHECK_THAT(heed::table_text(c), ContainsSubstring("b                400  3 of 6       6           0"));
  SECTION("a trial that was never validated has no value") {
    r.columns.back().values[7] = kNaN;
    c = compare(r, "solved_step");
    CHECK(c.rows[1].never() == 2);
    CHECK(c.rows[1].against.left_out == 1);
  }
}

TEST_CASE("split_by: rows are compared at the same setting, in one table each") {
  Comparison c = heed::compare(eight_trials(), {});
  CHECK(c.rows[2].against.test.difference == Approx(-0.4));
  CHECK(c.rows[3].against.test.difference == Approx(-0.7));
  CHECK_THROWS_WITH(heed::split_by(c, "seed"), ContainsSubstring("nothing that varies is called 'seed'"));
  heed::split_by(c, "train.lr");
  CHECK(c.by == "lr");
  CHECK(c.rows[1].variant == "b");
  const std::string text = heed::table_text(c);
  CHECK(text.starts_with("lr = 0.1\n\nvariant  test_accuracy"));
  CHECK_THAT(text, ContainsSubstring("\nlr = 0.2\n\nvariant  test_accuracy"));
  SECTION("a row whose setting the reference lacks is not compared") {
    Results r = eight_trials();
    r.columns[2].values = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.4, 0.4};
    const Comparison lacking = heed::compare(r, {});
    CHECK_FALSE(lacking.rows[1].against.verdict.empty());
    CHECK(lacking.rows[2].against.verdict.empty());
    CHECK(has_note(lacking, "1 row is not compared: a has no row of the same setting."));
  }
  SECTION("what follows from the setting, such as a matched width, may differ") {
    Results r = eight_trials();
    r.columns.push_back({"width", "model.width", Role::parameter, {8, 8, 9, 9, 6, 6, 7, 7}, "", "", false});
    CHECK(heed::compare(r, {}).rows[2].against.verdict.empty());  // no budget, no reason to differ
    const Value met = 0.0;
    r.columns.push_back({"parameters_mismatch", "", Role::metric, std::vector<Value>(8, met), "", "", false});
    const Comparison matched = heed::compare(r, {});
    CHECK(matched.varied == Texts{"lr", "width"});
    CHECK(matched.rows[2].against.test.difference == Approx(-0.4));
    CHECK(matched.rows[3].against.test.difference == Approx(-0.7));
  }
}

TEST_CASE("compare: notes about incomplete trials and too few seeds") {
  const auto of_seeds = [](std::size_t seeds) {
    std::vector<std::vector<double>> values(3);
    for (std::size_t v = 0; v < 3; ++v)
      for (std::size_t i = 0; i < seeds; ++i) values[v].push_back(static_cast<double>(v * 10 + i));
    return values;
  };
  const Comparison six = heed::compare(trials_of(of_seeds(6)), {});
  CHECK(six.rows[1].against.verdict == "no difference shown");
  CHECK(has_note(six, "with 6 pairs, p_holm of 2 comparisons is at least 0.0625"));
  std::vector<std::vector<double>> seven = of_seeds(7);
  CHECK(heed::compare(trials_of(seven), {}).notes.empty());
  CHECK(heed::compare(trials_of(seven), {}).rows[2].against.verdict == "better");
  seven[2].resize(4);
  CHECK(has_note(heed::compare(trials_of(seven), {}),
                 "1 of 2 comparisons have fewer than 5 pairs of seeds: p cannot be below 0.125 there."));
}

// Test accuracies of one model over 16 seeds: most solve the task, some stay on the way.
const std::vector<double> kFixture = {0.951, 0.962, 0.948, 0.739, 0.957, 0.966, 0.871, 0.953,
                                      0.944, 0.969, 0.802, 0.958, 0.961, 0.940, 0.913, 0.955};

TEST_CASE("compare: two copies of a variant are not different, and a worse variant is worse") {
  std::mt19937_64 words(1);
  int alarms = 0, found = 0, wrong = 0;
  for (int sweep = 0; sweep < 200; ++sweep) {
    const auto drawn = [&](double shift) {
      std::vector<double> out(8);
      for (double& x : out) x = kFixture[words() >> 60] + shift;
      return out;
    };
    const std::vector<double> softmax = drawn(0), copy = drawn(0), worse = drawn(-0.3);
    const Comparison c = heed::compare(trials_of({softmax, copy, worse}), {});
    alarms += c.rows[1].against.verdict != "no difference shown";
    found += c.rows[2].against.verdict == "worse";
    wrong += c.rows[2].against.verdict == "better";
  }
  CAPTURE(alarms, found);
  CHECK(alarms <= 12);  // 6 %
  CHECK(found >= 195);
  CHECK(wrong == 0);
}

TEST_CASE("table_text: columns are aligned; csv_text: all digits") {
  const Comparison c = heed::compare(eight_trials(), {});
  CHECK(heed::table_text(c).starts_with(
      "variant   lr  test_accuracy  95% interval      stddev  trials  incomplete  solved\n"
      "a        0.1         0.6000  [0.5000, 0.7000]  0.1414       2           0  0 of 2\n"));
  CHECK(heed::csv_text(c).starts_with(
      "variant,lr,test_accuracy,stddev,interval_low,interval_high,trials,incomplete,never,solved,tried,"
      "difference,difference_low,difference_high,p,p_holm,effect,pairs,left_out,verdict\n"
      "a,0.1,0.6,0.14142135623730"));
  CHECK_THAT(heed::csv_text(c),
             ContainsSubstring("\nb,0.1,0.1,,,,1,1,0,0,2,-0.4,,,1,1,,1,1,no difference shown\n"));
  CHECK(heed::aligned({{"x", "empty"}, {"a", ""}, {"b", ""}}) == "x\na\nb\n");
}

TEST_CASE("table_text: a table of usual names fits into 100 columns") {
  Results r =
      trials_of(std::vector<std::vector<double>>(3, {0.1, 0.2, 0.3, 0.4, 0.5}), "final_validation_accuracy");
  for (Value& v : r.columns[0].values) v = "tokenformer" + std::get<std::string>(v);
  const std::string text = heed::table_text(compare(r, "final_validation_accuracy"));
  const std::string tables = text.substr(0, text.find("\n\n", text.find("paired by seed")));
  std::istringstream lines(tables);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
}

TEST_CASE("compare: a seed counts once in a row, even if its trials differ in what makes no row") {
  Results r = trials_of({{0.5, 0.6, 0.7}, {0.6, 0.8, 0.9}});
  for (std::size_t i : {3, 4, 5, 0, 1, 2}) {  // all again, as with a plugin that was built again
    for (Column& column : r.columns) column.values.push_back(Value(column.values[i]));
    r.trial.push_back(static_cast<std::int64_t>(r.trial.size()));
  }
  const Comparison c = heed::compare(r, {});
  CHECK(c.rows[1].values.size() == 3);
  CHECK(c.rows[1].against.test.pairs == 3);
  CHECK(has_note(c, "6 trials are left out"));
}

TEST_CASE("split_by: refuses the selected parameter and suggests --select none") {
  heed::CompareOptions options;
  options.select = "lr";
  Comparison c = heed::compare(eight_trials(), options);
  CHECK_THROWS_WITH(heed::split_by(c, "train.lr"), ContainsSubstring("--select none"));
}

TEST_CASE("compare: a reference of one setting is compared with every other row") {
  heed::CompareOptions options;
  options.reference = "a";
  options.reference_values = {{"train.lr", "0.2"}};
  const Comparison c = heed::compare(eight_trials(), options);
  CHECK(c.reference == "a (lr=0.2)");
  REQUIRE(c.rows.size() == 4);
  CHECK((!c.rows[0].is_reference && c.rows[1].is_reference));
  CHECK(c.rows[0].against.test.difference == Approx(0.6 - 0.9));  // a at the other rate
  CHECK(c.rows[1].against.verdict.empty());
  CHECK(c.rows[2].against.test.pairs == 1);
  CHECK(c.rows[2].against.test.difference == Approx(0.1 - 0.9));
  CHECK(c.rows[3].against.test.difference == Approx(0.2 - 0.9));
  CHECK_THAT(table_text(c), ContainsSubstring("test_accuracy against a (lr=0.2), paired by seed"));
}

TEST_CASE("compare: parameters that a reference of one setting does not name must be equal") {
  Results r = eight_trials();
  r.columns.push_back(
      {"clip", "train.clip", Role::parameter, {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0}, "", "", false});
  heed::CompareOptions options;
  options.reference = "a";
  options.reference_values = {{"train.lr", "0.2"}};
  const Comparison c = heed::compare(r, options);
  REQUIRE(c.rows.size() == 4);
  CHECK_FALSE(c.rows[2].against.verdict.empty());
  CHECK(c.rows[3].against.verdict.empty());
  CHECK(has_note(c, "1 row is not compared: a (lr=0.2) has no row of the same setting."));
}

TEST_CASE("compare: a reference without a row lists the rows there are") {
  heed::CompareOptions options;
  options.reference = "a";
  options.reference_values = {{"train.lr", "0.3"}};
  CHECK_THROWS_WITH(heed::compare(eight_trials(), options),
                    "the results have no row of the reference a (lr=0.3). Rows: a (lr=0.1), a (lr=0.2), b "
                    "(lr=0.1), b (lr=0.2).");
  options.planned = 9;  // it may come
  CHECK(has_note(heed::compare(eight_trials(), options), "no trial of the reference 'a (lr=0.3)'"));
}
