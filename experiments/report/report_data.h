#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "experiments/report/compare/comparison.h"
#include "results/table.h"

namespace heed::report {

// A curve over the training, for every trial.
struct Curve {
  std::string unit;
  std::vector<double> at;                   // optimizer steps
  std::vector<std::vector<double>> values;  // (trial, at); NaN if a trial has no value
};

// The data of a report: a results file and the comparison of its variants.
struct ReportData {
  std::filesystem::path file;
  std::string name;   // of the sweep, or of the folder if there is no sweep.yaml beside the file
  std::string sweep;  // the text of sweep.yaml
  results::Results results;
  CompareOptions options;
  Comparison comparison;
  std::vector<std::string> variants;  // in plan order; the index of a variant is its style in all figures
  std::map<std::string, Curve> evaluations;   // "validation_accuracy" ...
  std::vector<std::vector<std::string>> key;  // of each trial: variant, then Comparison::varied

  std::size_t style(const std::string& variant) const;
  // Returns the finished trials of a row, as indices into the columns of `results`.
  std::vector<std::size_t> trials(const ComparedRow& row) const;
  // Returns the comparison by another metric, at each value of the parameter `options.select`.
  Comparison compared_by(const std::string& metric) const;
  bool has(const std::string& column) const { return results.find(column) != nullptr; }
};

// Reads the curves of a file whose results were read by `read_results`, and compares its variants. Throws:
// results::IoError, results::DamagedFile, and heed::Error as `compare` does.
ReportData read_report_data(const std::filesystem::path& file, results::Results results,
                            const CompareOptions& options);

// Returns for a caption that a quantity was measured under different loads, and which. Empty if all trials
// that are done were measured alike, or if no load changes it.
std::string load_note(const ReportData& data, const std::string& column);

// Returns a metric's name for readers: "test accuracy".
std::string human_readable(std::string name);
std::string sentence_case(std::string text);  // with a capital first letter
// Returns true if the metric is from 0 to 1.
bool is_share(const std::string& metric);
// Return the name with its unit, for an axis: "step time (ms)".
std::string axis_label(const std::string& name, const std::string& unit);
std::string metric_label(const ReportData& data, const std::string& metric);

}  // namespace heed::report
