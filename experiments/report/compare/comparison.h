#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "experiments/trial/compare_options.h"
#include "experiments/trial/metrics.h"
#include "results/statistics.h"
#include "results/table.h"

namespace heed {

// Differences of which Holm-adjusted p is above this are not shown.
inline constexpr double kSignificance = 0.05;

// A trial whose test accuracy is at least this has solved its task; solved_step has the same bound.
inline constexpr double kSolved = 0.9;

// Returns which of two values is better; neither for a metric that heed does not know.
Better better_when(const std::string& metric);

// Does a trial without a value mean that what the metric times never came? Its value is infinity then.
bool may_never_come(const std::string& metric);

// The metric by which a setting is chosen when `metric` is reported: its counterpart on validation.
std::string validation_metric(const std::string& metric);

// A row beside the reference's row of the same setting, paired by seed.
struct Against {
  statistics::PairedTest test;  // row minus reference
  double adjusted_p = test.p;   // by Holm, over all rows of the comparison
  std::size_t left_out = 0;     // seeds of which only one of the two has a value
  std::size_t unlike = 0;       // seeds of which the two were not measured alike (measurement.h)
  std::string verdict;          // see verdict_of; empty where nothing is compared
};

enum class Edge { none, smallest, largest };

// One row of the table: a variant at one setting of what the sweep varies, over its seeds.
struct ComparedRow {
  std::string variant;
  std::vector<std::string> setting;   // values of Comparison::varied
  std::vector<std::string> seeds;     // of the values
  std::vector<double> values;         // of the metric, one per trial that is done and has it
  std::vector<std::size_t> trials;    // of the values: places in the columns of the results
  std::size_t not_done = 0;           // diverged, failed or killed: never averaged in
  std::size_t solved = 0, tried = 0;  // of all trials of this row and of those that it was selected from
  Against against;

  // Mean, deviation of a sample and 95 % interval of the mean; or, where the metric may never come, Kaplan
  // and Meier's median alone. NaN where there is none.
  double center = std::numeric_limits<double>::quiet_NaN(), deviation = center;
  statistics::Interval interval;

  // What a trial spends of the matched budget, and the share by which that differs from the reference's;
  // means.
  double spent = center, mismatch = center;

  // Of what was chosen on validation: is it the smallest or the largest number of those tried?
  Edge edge = Edge::none;

  std::size_t never() const;  // how many values are infinite
};

struct Comparison {
  std::string metric, reference, selected;  // `selected`: of `varied`, what is chosen on validation; or empty
  std::vector<std::string> varied;          // what varies within a variant: parameters by name, slots by path
  std::vector<std::string> paths;           // of these
  std::vector<bool> chosen;                 // of each of them: `selected`, and what changes with it
  std::string by;                           // of `varied`: one table per value; or empty
  bool knows_solved = false;                // do the results tell which trials solve their task?
  std::string budget;                       // the metric that was matched (compare.match); or empty
  std::vector<ComparedRow> rows;            // variants in plan order, then settings
  std::vector<std::string> notes;           // what a reader must know, a sentence each

  bool is_chosen(std::size_t column) const { return column < chosen.size() && chosen[column]; }
};

// Groups trials by variant and by every parameter (but the seed) that varies within a variant, and compares
// each row with the reference's: options.reference, or the first variant. What stands in model.positions and
// model.feed_forward is one parameter each: "rope(base=500)". With options.select, the value of that
// parameter, and what changes with it, is chosen per variant on validation, and its row alone is shown.
// heed::Error where the results have no such metric or parameter, or it is one that says how trials are
// measured.
Comparison compare(const results::Results& results, const CompareOptions& options);

// Orders the rows for one table per value of a parameter, by the name or the path that it has. heed::Error
// where it does not vary.
void split_by(Comparison& comparison, const std::string& parameter);

// The smallest p_holm that any row could have, by the number of its comparisons and their pairs; above
// kSignificance no difference can be shown, however large. 1 or more where nothing is compared.
double smallest_reachable_p(const Comparison& comparison);

// "better", "worse" ("larger", "smaller" where neither is better), or "no difference shown".
std::string verdict_of(const std::string& metric, double difference, double adjusted_p);

}  // namespace heed
