#include "experiments/report/compare/by_length.h"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "experiments/trial/metrics.h"
#include "experiments/trial/test_lengths.h"

namespace heed {
namespace {

using results::Column;
using results::Results;
using results::Role;

// A value of the curve: a trial, and a place on the axis.
struct Cell {
  std::size_t trial, at;
};

std::vector<Cell> cells_of(const Results& results, const results::Curves& accuracy) {
  const std::vector<std::string> status = results.texts("status");
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < status.size(); ++i)
    for (std::size_t at = 0; at < accuracy.at.size(); ++at)
      if (status[i] != "done" || !std::isnan(accuracy.values[i * accuracy.at.size() + at]))
        cells.push_back({i, at});
  return cells;
}

}  // namespace

Results by_test_length(const Results& results, const std::optional<results::Curves>& accuracy) {
  const MetricInfo& metric = accuracy_by_length();
  if (!accuracy || accuracy->at.empty())
    throw Error("no trial was tested at other lengths: the sweep has no task.test_lengths.");
  const std::vector<Cell> cells = cells_of(results, *accuracy);
  Results out{.provenance = results.provenance, .compare = results.compare, .trial = {}, .columns = {}};
  Column length{kTestLengthAxis, std::string("task.") + kTestLengthAxis, Role::parameter, {}, "", "", false};
  Column value{metric.name, "", Role::metric, {}, metric.unit, metric.description, metric.varies};
  for (const auto& [trial, at] : cells) {
    out.trial.push_back(std::ssize(out.trial));
    length.values.emplace_back(accuracy->at[at]);
    value.values.emplace_back(accuracy->values[trial * accuracy->at.size() + at]);
  }
  for (const Column& column : results.columns) {
    // Trials that differ in their lists only are the same model, so the list is no setting of a row.
    if (column.parameter == std::string("task.") + kTestLengths) continue;
    Column rows = column;
    rows.values.clear();
    for (const Cell& cell : cells) rows.values.push_back(column.values[cell.trial]);
    // A row is one of its own where sweeps are joined by id.
    if (column.name == "id")
      for (std::size_t i = 0; i < cells.size(); ++i)
        rows.values[i] =
            fmt::format("{}@{}", std::get<std::string>(rows.values[i]), accuracy->at[cells[i].at]);
    out.columns.push_back(std::move(rows));
  }
  out.columns.push_back(std::move(length));
  out.columns.push_back(std::move(value));
  return out;
}

}  // namespace heed
