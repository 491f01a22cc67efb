#pragma once

#include <string>
#include <utility>
#include <vector>

#include "experiments/sweep.h"
#include "results/table.h"

namespace heed {

// One row of the table: a variant at one setting of what the sweep varies, over its seeds.
struct ComparedRow {
  std::string variant;
  std::vector<std::string> setting;  // values of Comparison::varied
  std::vector<double> values;        // of the metric, one per trial that is done and has it
  std::size_t not_done = 0;          // diverged, failed or killed: never averaged in

  double mean() const;
  double deviation() const;  // of a sample; NaN for fewer than two
};

struct Comparison {
  std::string metric;
  std::vector<std::string> varied;  // what varies within a variant: parameters by name, slots by path
  std::vector<ComparedRow> rows;    // in plan order
  std::vector<std::string> notes;   // what a reader must know, a sentence each
};

// Groups trials by variant and by every parameter (but the seed) that varies within a variant. What stands in
// model.positions and model.feed_forward is one parameter each: "rope(base=500)". With options.select, the
// value of that parameter is chosen per variant on validation, and its row alone is shown. heed::Error where
// the results have no such metric or parameter.
Comparison compare(const results::Results& results, const CompareOptions& options);

// The metric by which a setting is chosen when `metric` is reported: its counterpart on validation.
std::string validation_metric(const std::string& metric);
bool lower_is_better(const std::string& metric);

}  // namespace heed
