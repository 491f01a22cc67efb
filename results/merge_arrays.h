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

// Writes a group of the merged file: the arrays that trials put into it, with a dimension `trial` of its own,
// which has the trials with at least one of them. Where shapes differ, the longest wins and the rest is
// padded. One trial's arrays are in memory at a time. An array whose dimensions are named otherwise than in
// the first trial that has it is left out, and a message is added to `conflicts`.
void write_merged_group(H5Writer& file, const std::string& group, std::span<const MergedTrial> trials,
                        std::vector<std::string>& conflicts);

}  // namespace heed::results
