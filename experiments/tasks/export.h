#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/task.h"

namespace heed {

// Writes the first `count` sequences of a split into an HDF5 file, so that any other program can be trained
// or scored on them: tokens and labels, both int32 (sequence, position), and as attributes what is given here
// (the task's name, its options, the seed), the split and the number of different tokens. An unscored label
// is kUnscored, as the attribute `unscored` of labels says. The file appears whole or not at all; one that is
// there is replaced.
//
// Throws heed::Error where the split has fewer sequences, results::IoError where the machine refuses.
void export_task(const Task& task, Split split, Index count, const std::filesystem::path& path,
                 const std::vector<std::pair<std::string, std::string>>& attributes);

const char* split_name(Split split);  // "train", "validation", "test"

}  // namespace heed
