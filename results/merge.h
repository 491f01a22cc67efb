// All trials of a sweep in one file, `results.h5`. results/README.md describes it.
//
// The file depends only on the trial files and the compare settings: the same trials give the same bytes
// (except the provenance), in any order. It may be written at any time, also while other trials run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "results/record.h"

namespace heed::results {

struct Source {
  std::filesystem::path path;
  // The trial's number in the current plan; nullopt: the number it had when it ran.
  std::optional<std::int64_t> trial;
  // Its variant's label in the current plan; empty: the label it had when it ran.
  std::string variant = {};
  // Metrics that the sweep knows and the trial does not: the budget it was matched to. Written beside the
  // trial's own metrics.
  std::vector<Metric> metrics = {};
};

struct MergeReport {
  std::size_t trials = 0;            // rows written
  std::vector<std::string> damaged;  // messages about files that were left out
  std::vector<std::string>
      conflicts;  // messages about different results of one id, and arrays with other dimensions
  std::vector<std::string> builds;  // the different build stamps, sorted
};

// Returns the trial files `<id>.h5` of a folder, sorted by name, without temporary files.
std::vector<Source> trial_files(const std::filesystem::path& folder);

// Merges trial files. Rows are sorted by trial number, then id. Equal ids are one row (a finished trial is
// preferred), and differences are reported. If two rows have one number, all are numbered from 0. Replaces
// `output` atomically, unless it is already the result of these files without a report. A damaged file is
// reported and left out. Throws: IoError.
MergeReport merge(std::span<const Source> sources, const std::filesystem::path& output,
                  const Provenance& provenance, const CompareSettings& compare = {});

// Returns true if the merge that wrote the file had something to report. False if the file is damaged.
bool has_complaints(const std::filesystem::path& merged);

}  // namespace heed::results
