// heed compare --by test_length: test lengths as the values of a parameter.
#include "experiments/report/compare/by_length.h"

#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/experiments/report/compared_sample.h"

using namespace heed::test;
using heed::by_test_length;
using heed::results::Curves;

namespace {

// Two variants, two seeds; the last trial diverged.
Results four_trials() {
  Results r = trials_of({{0.9, 0.9}, {0.8, kNaN}});
  heed::results::Column id{"id", "", Role::trial, {}, "", "", false};
  for (const char* name : {"a0", "a1", "b0", "b1"}) id.values.emplace_back(std::string(name));
  r.columns.push_back(id);
  return r;
}

// At lengths 16, 32 and 64; trial 1 was not tested at 64.
const Curves kAccuracy = {{16, 32, 64}, {0.9, 0.8, 0.5, 0.95, 0.85, kNaN, 0.7, 0.6, 0.4, kNaN, kNaN, kNaN}};

}  // namespace

TEST_CASE(
    "by_test_length: a trial has a row for each length that it was tested at, one that failed for all") {
  const Results rows = by_test_length(four_trials(), kAccuracy);
  CHECK(rows.texts("id") == Texts{"a0@16", "a0@32", "a0@64", "a1@16", "a1@32", "b0@16", "b0@32", "b0@64",
                                  "b1@16", "b1@32", "b1@64"});
  CHECK(rows.numbers("test_length") == std::vector<double>{16, 32, 64, 16, 32, 16, 32, 64, 16, 32, 64});
  const std::vector<double> values = rows.numbers("test_accuracy_by_length");
  CHECK(values[2] == 0.5);
  CHECK(values[4] == 0.85);
  CHECK(std::isnan(values[8]));
  CHECK(rows.trial.size() == 11);
}

TEST_CASE(
    "by_test_length: each length is compared with the reference at that length, in a table of its own") {
  Comparison c = compare(by_test_length(four_trials(), kAccuracy), "test_accuracy_by_length");
  split_by(c, "test_length");
  REQUIRE(c.rows.size() == 6);
  CHECK(c.rows[0].setting == Texts{"16"});
  CHECK(c.rows[1].setting == Texts{"16"});
  CHECK(c.rows[1].variant == "b");
  CHECK(c.rows[1].against.test.difference == Approx(-0.2));
  CHECK(c.rows[5].against.test.difference == Approx(-0.1));
  CHECK(c.rows[1].incomplete == 1);
}

TEST_CASE("by_test_length: results without test lengths are refused") {
  CHECK_THROWS_WITH(by_test_length(four_trials(), std::nullopt), ContainsSubstring("task.test_lengths"));
}
