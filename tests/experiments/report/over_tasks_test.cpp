// Comparisons of sweeps with several tasks.
#include <string>

#include "experiments/report/compare/comparison.h"
#include "experiments/report/compare/table_text.h"
#include "tests/catch.h"
#include "tests/experiments/report/compared_sample.h"

using namespace heed::test;

namespace {

// Variants a and b on two tasks, seeds 0 to 2. `values`: a on mqar, b on mqar, a on copy, b on copy.
Results on_two_tasks(const std::vector<std::vector<double>>& values) {
  Results r;
  std::vector<Column> columns(7);
  const char* names[] = {"variant", "seed", "task_name", "length", "pairs", "status", "test_accuracy"};
  const char* paths[] = {"variant", "seed", "task.name", "task.length", "task.pairs", "", ""};
  for (std::size_t c = 0; c < columns.size(); ++c) {
    columns[c].name = names[c], columns[c].parameter = paths[c];
    columns[c].role = c < 5 ? Role::parameter : c == 5 ? Role::trial : Role::metric;
  }
  for (std::size_t row = 0; row < values.size(); ++row)
    for (std::size_t seed = 0; seed < values[row].size(); ++seed) {
      const bool mqar = row < 2;
      const Value cells[] = {std::string(row % 2 ? "b" : "a"),
                             static_cast<std::int64_t>(seed),
                             std::string(mqar ? "mqar" : "copy"),
                             std::int64_t{mqar ? 64 : 32},
                             mqar ? 8.0 : kNaN,
                             std::string(std::isnan(values[row][seed]) ? "diverged" : "done"),
                             values[row][seed]};
      r.trial.push_back(static_cast<std::int64_t>(r.trial.size()));
      for (std::size_t c = 0; c < columns.size(); ++c) columns[c].values.push_back(cells[c]);
    }
  r.columns = columns;
  return r;
}

heed::CompareOptions by_task() {
  heed::CompareOptions options;
  options.by = heed::kTasks;
  return options;
}

}  // namespace

TEST_CASE("tasks: each has a table of its own, and rows of different tasks are never compared") {
  const Comparison c = heed::compare(
      on_two_tasks({{0.9, 0.8, 0.7}, {0.6, 0.5, 0.3}, {0.2, 0.4, 0.6}, {0.3, 0.5, 0.7}}), by_task());
  CHECK(c.varied == Texts{"task"});  // one column, not one for each option
  CHECK(c.by == "task");
  REQUIRE(c.rows.size() == 4);
  Texts settings;
  for (const auto& row : c.rows) settings.push_back(row.setting.at(0));
  CHECK(settings == Texts{"mqar", "mqar", "copy", "copy"});
  CHECK(c.rows[1].against.test.difference == Approx(-1.0 / 3));
  CHECK(c.rows[3].against.test.difference == Approx(0.1));
  const std::string text = table_text(c);
  const auto mqar = text.find("task = mqar\n"), copy = text.find("task = copy\n"),
             mean = text.find("mean over 2 tasks\n");
  CHECK((mqar < copy && copy < mean && mean != std::string::npos));
}

TEST_CASE("tasks: the CSV ends in the means over tasks") {
  const Comparison c = heed::compare(
      on_two_tasks({{0.9, 0.8, 0.7}, {0.6, 0.5, 0.3}, {0.2, 0.4, 0.6}, {0.3, 0.5, 0.7}}), by_task());
  const std::string text = csv_text(c);
  CHECK_THAT(text, ContainsSubstring("variant,task,test_accuracy,") && ContainsSubstring("\nb,copy,0.5"));
  const std::size_t mean = text.find("\na,mean over 2 tasks,0.6");
  REQUIRE(mean != std::string::npos);
  CHECK(text.find("\nb,mean over 2 tasks,", mean) != std::string::npos);
  CHECK(text.find(",copy,", mean) == std::string::npos);
}

TEST_CASE("tasks: the summary is the mean over tasks, compared by seed") {
  const Comparison c = heed::compare(
      on_two_tasks({{0.9, 0.8, 0.7}, {0.6, 0.5, 0.3}, {0.2, 0.4, 0.6}, {0.3, 0.5, 0.7}}), by_task());
  REQUIRE(c.summary.size() == 1);
  const Comparison& mean = c.summary[0];
  CHECK(mean.tasks == 2);
  CHECK(mean.varied.empty());
  REQUIRE(mean.rows.size() == 2);
  CHECK(mean.rows[0].is_reference);
  CHECK(mean.rows[0].values[0] == Approx(0.55));
  CHECK(mean.rows[0].center == Approx((0.55 + 0.6 + 0.65) / 3));
  CHECK(mean.rows[1].against.test.pairs == 3);
  CHECK(mean.rows[1].against.test.difference == Approx((-0.1 - 0.1 - 0.15) / 3));
  CHECK(mean.rows[1].against.verdict == "no difference shown");
}

TEST_CASE("tasks: a seed without a value in one task is in no mean over tasks") {
  const Comparison c = heed::compare(
      on_two_tasks({{0.9, 0.8, 0.7}, {0.6, kNaN, 0.3}, {0.2, 0.4, 0.6}, {0.3, 0.5, 0.7}}), by_task());
  REQUIRE(c.summary.size() == 1);
  CHECK(c.summary[0].rows.at(1).seeds == Texts{"0", "2"});
  CHECK(c.summary[0].rows.at(1).incomplete == 1);
  CHECK(c.summary[0].rows.at(1).against.test.pairs == 2);
  CHECK(c.summary[0].rows.at(0).seeds.size() == 3);
}

TEST_CASE("tasks: without several tasks there is no summary") {
  Results r = on_two_tasks({{0.9, 0.8, 0.7}, {0.6, 0.5, 0.3}});
  const Comparison c = heed::compare(r, by_task());
  CHECK(c.summary.empty());
  CHECK(c.by.empty());
  CHECK(c.varied.empty());
}

TEST_CASE("tasks: tasks of one name are told apart by the options that differ") {
  Results r = on_two_tasks({{0.9, 0.8, 0.7}, {0.6, 0.5, 0.3}, {0.2, 0.4, 0.6}, {0.3, 0.5, 0.7}});
  for (Value& name : r.columns[2].values) name = std::string("mqar");
  for (Value& pairs : r.columns[4].values) pairs = 8.0;
  const Comparison c = heed::compare(r, by_task());
  CHECK(c.varied == Texts{"task"});
  CHECK(c.rows.at(0).setting == Texts{"mqar(length=64)"});
  CHECK(c.rows.at(3).setting == Texts{"mqar(length=32)"});
}

TEST_CASE("tasks: what is selected for each task may differ between tasks") {
  Results r = on_two_tasks({{0.9, 0.8, 0.7}, {0.6, 0.5, 0.3}, {0.2, 0.4, 0.6}, {0.3, 0.5, 0.7}});
  // The same trials at another rate, where b is better on copy.
  Results other = on_two_tasks({{0.1, 0.1, 0.1}, {0.2, 0.2, 0.2}, {0.1, 0.1, 0.1}, {0.9, 0.9, 0.9}});
  for (std::size_t c = 0; c < r.columns.size(); ++c)
    r.columns[c].values.insert(r.columns[c].values.end(), other.columns[c].values.begin(),
                               other.columns[c].values.end());
  Column rate{"lr", "train.lr", Role::parameter, {}, "", "", false}, validation = r.columns[6];
  for (int i = 0; i < 24; ++i) rate.values.emplace_back(i < 12 ? 0.1 : 0.2);
  validation.name = "final_validation_accuracy";
  r.columns.push_back(rate);
  r.columns.push_back(validation);
  for (std::int64_t i = 12; i < 24; ++i) r.trial.push_back(i);
  heed::CompareOptions options = by_task();
  options.select = "train.lr";
  const Comparison c = heed::compare(r, options);
  REQUIRE(c.rows.size() == 4);
  CHECK(c.rows[3].setting == Texts{"copy", "0.2"});
  REQUIRE(c.summary.size() == 1);
  CHECK(c.summary[0].varied.empty());
  CHECK(c.summary[0].rows.at(1).values[0] == Approx((0.6 + 0.9) / 2));
}
