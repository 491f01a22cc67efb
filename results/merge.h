// All trials of a sweep in one file, `results.h5`. results/README.md describes it.
//
// The file is a function of the trials' files alone: the same trials give the same bytes (but for the
// provenance passed in), in whatever order they were found. It may be made at any time, also while other
// trials still run.
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
  // The trial's number in today's plan; without it the number it had when it ran.
  std::optional<std::int64_t> trial;
  // Its variant's label in today's plan; where it is empty, the one it had when it ran.
  std::string variant = {};
  // What the sweep knows of the trial and the trial does not: what it was matched to. Told beside the trial's
  // own metrics.
  std::vector<Metric> metrics = {};
};

struct MergeReport {
  std::size_t trials = 0;            // rows written
  std::vector<std::string> damaged;  // messages: files that were left out
  std::vector<std::string>
      conflicts;  // messages: two results of one id that differ, an array that fits no other
  std::vector<std::string> builds;  // the different build stamps, sorted; more than one deserves a warning
};

// The whole results in a folder: its files `<id>.h5`, sorted by name. Temporary files are none of them.
std::vector<Source> trial_files(const std::filesystem::path& folder);

// Rows are sorted by trial number, then id. Equal ids are one row (a trial that is done before one that is
// not), and it is reported if they differ. If two rows have one number, all are numbered anew from 0.
// Replaces `output` in one step, unless it is already the clean result of these very files. Throws IoError; a
// damaged file is reported and left out.
MergeReport merge(std::span<const Source> sources, const std::filesystem::path& output,
                  const Provenance& provenance);

}  // namespace heed::results
