// Trials are compared only where they were measured alike.
#include "experiments/report/compare/measurement.h"

#include <string>
#include <utility>
#include <vector>

#include "experiments/report/compare/comparison.h"
#include "experiments/trial/measurement_condition.h"
#include "tests/catch.h"
#include "tests/experiments/report/compared_sample.h"

using namespace heed::test;
using heed::Measurement;

namespace {

// Variants a and b, six seeds each, and all conditions of measuring, equal in all trials.
Results six_pairs(const char* metric, bool varies) {
  Results r = trials_of({{1, 2, 3, 4, 5, 6}, {2, 3.5, 4, 5, 6, 7.5}}, metric);
  r.columns.back().varies = varies;
  const auto add = [&](const char* name, const char* path, const Value& value) {
    const Role role = *path ? Role::parameter : Role::trial;
    r.columns.push_back({name, path, role, std::vector<Value>(12, value), "", "", false});
  };
  for (const char* name : {"jobs", "threads"}) add(name, "", std::int64_t{1});
  for (const char* name : {"host", "build", "run"}) add(name, "", std::string("one"));
  add("length", "task.length", std::int64_t{16});
  add("test_sequences", "train.test_sequences", std::int64_t{64});
  add("evaluate_sequences", "train.evaluate_sequences", std::int64_t{64});
  add("evaluate_every", "train.evaluate_every", std::int64_t{0});
  add("steps", "train.steps", std::int64_t{100});
  add("batch", "train.batch", std::int64_t{8});
  add("checkpoint", "train.checkpoint", std::string("30s"));
  return r;
}

// The value of a column in all trials of b.
Results with(Results r, const std::string& name, const Value& value) {
  for (Column& c : r.columns)
    if (c.name == name) std::fill(c.values.begin() + 6, c.values.end(), value);
  return r;
}

}  // namespace

TEST_CASE("Measurement: times of another load, machine or build get no verdict") {
  const Results alike = six_pairs("step_milliseconds", true);
  const Comparison good = compare(alike, "step_milliseconds");
  CHECK(good.rows[1].against.verdict == "worse");
  CHECK_FALSE(has_note(good, "depends on how it is measured"));
  const std::vector<std::pair<const char*, Value>> others = {
      {"jobs", std::int64_t{4}},     {"threads", std::int64_t{2}}, {"host", std::string("two")},
      {"build", std::string("two")}, {"run", std::string("two")},  {"checkpoint", std::string("1s")}};
  for (const auto& [name, value] : others) {
    INFO(name);
    const Comparison c = compare(with(alike, name, value), "step_milliseconds");
    CHECK(c.rows[1].against.verdict.empty());
    CHECK(c.rows[1].against.unlike == 6);
    CHECK(c.rows[1].against.left_out == 0);
    CHECK(has_note(c, "6 of 6 pairs are not compared"));
    CHECK(has_note(c, std::string(name) + " ("));
    // What no load changes is compared all the same.
    CHECK(compare(with(six_pairs("test_accuracy", false), name, value), "test_accuracy")
              .rows[1]
              .against.verdict == "better");
  }
}

TEST_CASE("Measurement: times of trials that were not trained in turn get no verdict, memory does") {
  const auto verdict = [](const char* metric, const char* unit, const std::string& run) {
    Results r = with(six_pairs(metric, true), "run", run);
    for (Column& c : r.columns)
      if (c.name == metric) c.unit = unit;
    return compare(r, metric).rows[1].against.verdict;
  };
  for (const auto& [metric, unit] : {std::pair("step_milliseconds", "ms"),
                                     {"tokens_per_second", "token per s"},
                                     {"processor_seconds", "s"}}) {
    INFO(metric);
    CHECK_FALSE(verdict(metric, unit, "one").empty());
    CHECK(verdict(metric, unit, "two").empty());
  }
  CHECK(verdict("peak_memory_bytes", "byte", "two") == "worse");
  // Not known, as in older files: like no other.
  CHECK(verdict("step_milliseconds", "ms", "").empty());
}

TEST_CASE("Measurement: many runs are not all listed") {
  Results r = six_pairs("step_milliseconds", true);
  for (Column& c : r.columns)
    if (c.name == "run")
      for (std::size_t i = 0; i < 12; ++i) c.values[i] = std::string(1, char('a' + i));
  CHECK(has_note(compare(r, "step_milliseconds"), "run (a, b, c, and 9 more)"));
}

TEST_CASE("Measurement: times of a continued trial, or without a record of the load, are like no others") {
  for (const std::int64_t jobs : {0, -1}) {
    Results r = six_pairs("step_milliseconds", true);
    for (Column& c : r.columns)
      if (c.name == "jobs") std::fill(c.values.begin(), c.values.end(), Value(jobs));
    CHECK(compare(r, "step_milliseconds").rows[1].against.verdict.empty());
  }
  Results older = six_pairs("step_milliseconds", true);
  std::erase_if(older.columns, [](const Column& c) { return c.name == "jobs"; });
  CHECK(has_note(compare(older, "step_milliseconds"), "jobs (not known)"));
}

TEST_CASE("Measurement: a mean over different loads is named, and the pairs that are alike are compared") {
  Results r = six_pairs("step_milliseconds", true);
  for (Column& c : r.columns)
    if (c.name == "jobs")
      for (const std::size_t seed : {0, 1, 2}) c.values[seed] = c.values[6 + seed] = std::int64_t{4};
  const Comparison c = compare(r, "step_milliseconds");
  CHECK(c.rows[1].against.test.pairs == 6);
  CHECK(has_note(c, "jobs (4, 1). 0 of 6 pairs are not compared, and a mean may mix"));
}

TEST_CASE("Measurement: the evaluated sequences must be equal") {
  // A growth decides the number of steps of its variant.
  Results growing = six_pairs("solved_step", false);
  growing.columns.push_back(
      {"grow", "grow", Role::parameter, std::vector<Value>(12, std::string()), "", "", false});
  for (std::size_t i = 6; i < 12; ++i) growing.columns.back().values[i] = std::string("[...]");
  const Comparison c = compare(with(growing, "steps", std::int64_t{400}), "solved_step");
  CHECK(c.rows[1].against.verdict.empty());
  CHECK(has_note(c, "steps between validations (5, 20)"));
  // Rows that differ in what is looked at are rows of different settings.
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"test_accuracy", "test_sequences"},
      {"test_accuracy", "length"},
      {"final_validation_loss", "evaluate_sequences"},
      {"test_accuracy", "steps"}};
  for (const auto& [metric, name] : cases) {
    INFO(metric << ' ' << name);
    const Comparison differing = compare(with(six_pairs(metric, false), name, std::int64_t{999}), metric);
    CHECK(differing.varied == Texts{name});
    CHECK(differing.rows[1].against.verdict.empty());
    CHECK(has_note(differing, "1 row is not compared"));
  }
}

TEST_CASE("Measurement: conditions of measurement are never selected, nor together with something else") {
  Results r = eight_trials();
  r.columns.push_back({"test_sequences",
                       "train.test_sequences",
                       Role::parameter,
                       {10, 10, 20, 20, 10, 10, 20, 20},
                       "",
                       "",
                       false});
  heed::CompareOptions options;
  options.select = "lr";
  const Comparison c = heed::compare(r, options);
  CHECK(c.rows.size() == 4);
  CHECK(c.selected.empty());
  for (const char* path : {"train.test_sequences", "train.evaluate_every", "task.length"})
    CHECK(heed::is_measurement_condition(path));
  CHECK_FALSE(heed::is_measurement_condition("train.lr"));
  options.select = "test_sequences";
  CHECK_THROWS_WITH(heed::compare(r, options), ContainsSubstring("train.test_sequences cannot be chosen"));
}

TEST_CASE("Measurement: a matched budget does not hide that tasks differ") {
  Results r = eight_trials();
  r.columns[2].values.assign(8, 0.1);
  r.columns.push_back(
      {"length", "task.length", Role::parameter, {16, 16, 16, 16, 32, 32, 32, 32}, "", "", false});
  r.columns.push_back({"parameters_mismatch", "", Role::metric, std::vector<Value>(8, 0.0), "", "", false});
  const Comparison c = heed::compare(r, {});
  CHECK(c.varied == Texts{"length"});
  CHECK(c.rows[1].against.verdict.empty());
}

TEST_CASE("compare: a text is known by its content, and shown by its name") {
  Results r = eight_trials();
  r.columns[2].values.assign(8, 0.1);
  const std::string a = "/data/a.txt", moved = "/old/a.txt", b = "/data/b/";
  r.columns.push_back({"path", "task.path", Role::parameter, {a, moved, b, b, a, a, b, b}, "", "", true});
  const std::string x = "xxh-1", y = "xxh-2";
  r.columns.push_back({"content", "task.content", Role::parameter, {x, x, y, y, x, x, y, y}, "", "", false});
  const Comparison c = heed::compare(r, {});
  CHECK(c.varied == Texts{"path"});
  REQUIRE(c.rows.size() == 4);
  CHECK(c.rows[0].setting == Texts{"a.txt"});
  CHECK(c.rows[1].setting == Texts{"b"});
  CHECK(c.rows[2].against.test.pairs == 1);
}
