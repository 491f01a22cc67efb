#include "experiments/trial/metrics.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.h"
#include "experiments/trial/budget.h"
#include "tests/catch.h"
#include "tests/paths.h"

namespace {

// The rows of results/README.md whose shape is (trial): unit, better, varies and meaning by name.
std::map<std::string, std::vector<std::string>> documented() {
  std::ifstream in(heed::test::source_dir() / "results/README.md");
  std::map<std::string, std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> cells;
    std::istringstream text(line);
    for (std::string cell; std::getline(text, cell, '|');) {
      const std::size_t first = cell.find_first_not_of(' ');
      cells.push_back(
          first == std::string::npos ? "" : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
    }
    if (cells.size() < 7 || cells[2] != "(trial)" || cells[1].find('<') != std::string::npos) continue;
    rows[cells[1].substr(1, cells[1].size() - 2)] = {cells[3], cells[4], cells[5], cells[6]};
  }
  return rows;
}

}  // namespace

TEST_CASE("metrics: results/README.md has the same table") {
  std::map<std::string, std::vector<std::string>> expected;
  for (const heed::MetricInfo& m : heed::metrics())
    expected[m.name] = {m.unit, to_string(m.better), m.varies ? "yes" : "", m.description};
  CHECK(documented() == expected);
}

TEST_CASE("metrics: names are different and descriptions are phrases without a period") {
  std::set<std::string> names;
  for (const heed::MetricInfo& m : heed::metrics()) {
    INFO(m.name);
    CHECK(names.insert(m.name).second);
    CHECK_FALSE(m.description.empty());
    CHECK_FALSE(m.description.ends_with('.'));
    CHECK(heed::find_metric(m.name) == &m);
  }
}

TEST_CASE("measured: takes unit, description and variation from the table, and refuses other names") {
  const heed::results::Metric time = heed::measured("step_milliseconds", 2.5);
  CHECK(time.value == 2.5);
  CHECK(time.unit == "ms");
  CHECK(time.varies);
  CHECK_FALSE(heed::measured("test_loss", 1).varies);
  CHECK_THROWS(heed::measured("test_los", 1));
}

TEST_CASE("budget_metric: a budget of time varies between runs, as the time does") {
  CHECK(heed::budget_metric("step_milliseconds_target", 1).varies);
  CHECK(heed::budget_metric("step_milliseconds_mismatch", 1).varies);
  CHECK_FALSE(heed::budget_metric("training_flops_mismatch", 1).varies);
}
