#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/task.h"

namespace heed {

// Writes the first `count` sequences of a split into an HDF5 file for other programs and the task `file`:
// tokens, int32 (sequence, position), labels, int32 (sequence, position) or (sequence), and lengths, int64
// (sequence), if sequences have different ones. A task of vectors has vectors, double (sequence, position,
// component), in place of tokens. A task with two streams also has source, int32 (sequence,
// source_position), and source_lengths. Attributes are `attributes` (the task's name, its options,
// the seed), the split, the vocabulary size and the type of model. An unscored label is kUnscored, which is
// also the attribute `unscored` of labels. The file is written atomically and replaces an existing one.
//
// Throws: heed::Error if the split has fewer sequences, results::IoError if writing fails.
void export_task(const Task& task, Split split, Index count, const std::filesystem::path& path,
                 const std::vector<std::pair<std::string, std::string>>& attributes);

// Returns true if export_task wrote the file.
bool is_exported_task(const std::filesystem::path& path);

const char* split_name(Split split);  // "train", "validation", "test"

}  // namespace heed
