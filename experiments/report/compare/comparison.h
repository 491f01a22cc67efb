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

// The bound of Holm-adjusted p: above it the verdict is "no difference shown".
inline constexpr double kSignificance = 0.05;

// A trial whose test accuracy is at least this has solved its task; solved_step has the same bound.
inline constexpr double kSolved = 0.9;

// Returns which of two values is better; neither for a metric that heed does not know.
Better better_when(const std::string& metric);

// Returns true if a trial without a value means that the timed event did not occur. Its value is then
// infinity.
bool may_never_come(const std::string& metric);

// Returns the metric that selects a setting when `metric` is reported: its counterpart on validation.
std::string validation_metric(const std::string& metric);

// The comparison of a row with the reference's row of the same setting, paired by seed.
struct Against {
  statistics::PairedTest test;  // row minus reference
  double adjusted_p = test.p;   // by Holm, over all rows of the comparison
  std::size_t left_out = 0;     // seeds for which only one of the two has a value
  std::size_t unlike = 0;       // seeds for which the two were not measured alike (measurement.h)
  std::string verdict;          // see verdict_of; empty if nothing is compared
};

enum class Edge { none, smallest, largest };

// One row of the table: a variant with one setting of the swept parameters, over its seeds.
struct ComparedRow {
  std::string variant;
  std::vector<std::string> setting;   // values of Comparison::varied
  bool is_reference = false;          // is it of the reference, with the values that the reference has?
  std::vector<std::string> seeds;     // of the values
  std::vector<double> values;         // of the metric, one per trial that is done and has it
  std::vector<std::size_t> trials;    // of the values: indices into the columns of the results
  std::size_t incomplete = 0;         // not done: in no mean
  std::size_t solved = 0, tried = 0;  // of all trials of this row and of those that it was selected from
  Against against;

  // Mean, sample standard deviation and 95 % interval of the mean. If may_never_come(metric): only the
  // Kaplan-Meier median. NaN if there is none.
  double center = std::numeric_limits<double>::quiet_NaN(), stddev = center;
  statistics::Interval interval;

  // Means over trials: of the matched budget that a trial uses, and of its relative difference from the
  // reference's.
  double spent = center, mismatch = center;

  // Is the value that was selected on validation the smallest or the largest one tried?
  Edge edge = Edge::none;

  std::size_t never() const;  // returns how many values are infinite
};

struct Comparison {
  std::string metric, selected;     // `selected`: the one of `varied` selected on validation, or empty
  std::string reference;            // its name: "softmax", or of one setting "softmax (positions=rope)"
  std::vector<std::string> varied;  // what varies within a variant: parameters by name, slots by path
  std::vector<std::string> paths;   // of these
  std::vector<bool> chosen;         // for each of these: is it `selected`, or does it change with it?
  std::string by;                   // the one of `varied` with a table per value, or empty
  std::vector<bool> fixed;          // for each of these: is it a value of the reference?
  std::vector<bool> own;            // for each of these: do variants set it for themselves?
  bool has_solved = false;          // do the results show which trials solved their task?
  std::string budget;               // the metric that was matched (compare.match), or empty
  std::vector<ComparedRow> rows;    // variants in plan order, then settings
  std::size_t tasks = 0;            // of a comparison of means over tasks: how many
  std::vector<Comparison> summary;  // the comparison of means over tasks, if there are several
  std::vector<std::string> notes;   // each a sentence

  bool is_chosen(std::size_t column) const { return column < chosen.size() && chosen[column]; }
};

// Groups trials by variant and by every parameter (except the seed) that varies within a variant. Compares
// each row with the reference's row: that of options.reference, or of the first variant. If the reference is
// one setting, every other row is compared with it, also rows of its variant. model.positions and
// model.feed_forward are one parameter each: "rope(base=500)". With options.select, the value of that
// parameter, and of those that change with it, is selected per variant on validation; only the selected row
// is shown. Throws: heed::Error if the results do not have the metric or the parameter, if the parameter is a
// condition of measurement, or if no row has the values of the reference.
// With options.by, the rows are split as by split_by, and a comparison of several tasks has a summary.
Comparison compare(const results::Results& results, const CompareOptions& options);

// Orders the rows for one table per value of a parameter, given by name or path. Throws: heed::Error if it
// does not vary.
void split_by(Comparison& comparison, const std::string& parameter);

// Returns the smallest p_holm that any row could have, given the number of comparisons and their pairs. If it
// is above kSignificance, no difference can be shown. 1 or more if nothing is compared.
double smallest_reachable_p(const Comparison& comparison);

// Returns "better", "worse" ("larger", "smaller" if neither is better), or "no difference shown".
std::string verdict_of(const std::string& metric, double difference, double adjusted_p);

}  // namespace heed
