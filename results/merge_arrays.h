#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "results/h5_writer.h"
#include "results/record.h"

namespace heed::results {

struct MergedTrial {
  std::filesystem::path path;
  Record record;  // its arrays without values
};

// Writes a group of the merged file: the arrays of all trials, with a dimension `trial` that has the trials
// with at least one of them, and their `variant` and `seed` as coordinates. If shapes differ, shorter arrays
// are padded to the longest. Only one trial's arrays are in memory at a time. An array with other dimension
// names than in the first trial that has it is left out, and a message is added to `conflicts`.
void write_merged_group(H5Writer& file, const std::string& group, std::span<const MergedTrial> trials,
                        std::vector<std::string>& conflicts);

}  // namespace heed::results
