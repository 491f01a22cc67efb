#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"
#include "results/table.h"

namespace heed::report {

// A curve of every trial over the training.
struct Curve {
  std::string unit;
  std::vector<double> at;                   // optimizer steps
  std::vector<std::vector<double>> values;  // (trial, at); NaN where a trial has none
};

// What a report is made from: a results file and the comparison of its variants.
struct Evidence {
  std::filesystem::path file;
  std::string name;   // of the sweep, or of the folder where no sweep.yaml is beside the file
  std::string sweep;  // the text of that
  results::Results results;
  CompareOptions options;
  Comparison comparison;
  std::vector<std::string> variants;          // in plan order; the place of one is its style in all figures
  std::map<std::string, Curve> evaluations;   // "validation_accuracy" ...
  std::vector<std::vector<std::string>> key;  // of each trial: variant, then Comparison::varied

  std::size_t style(const std::string& variant) const;
  // The trials of a row that are done, as places in the columns of `results`.
  std::vector<std::size_t> trials(const ComparedRow& row) const;
  // The comparison by another metric, at each value of what `options.select` names.
  Comparison compared_by(const std::string& metric) const;
  bool has(const std::string& column) const { return results.find(column) != nullptr; }
};

// From a file, and what `read_results` read of it. Throws results::IoError, results::DamagedFile, and
// heed::Error as `compare` does.
Evidence read_evidence(const std::filesystem::path& file, results::Results results,
                       const CompareOptions& options);

// "test_accuracy" as a reader says it.
std::string words(std::string name);
std::string sentence_case(std::string text);  // with a capital first
// Does it go from 0 to 1?
bool is_share(const std::string& metric);
// With its unit, for an axis: "step time (ms)".
std::string axis_label(const std::string& name, const std::string& unit);
std::string metric_label(const Evidence& evidence, const std::string& metric);

}  // namespace heed::report
