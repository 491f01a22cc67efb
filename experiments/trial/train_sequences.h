#pragma once

#include <string>

#include "core/config.h"
#include "core/index.h"
#include "core/task.h"

namespace heed {

// The key of a task's section that makes its training set finite: `task: {name: memorization,
// train_sequences: 256}`. Training then reads sequences 0 .. 255 again and again, each time in a new order
// (core/passes.h). It is no option of the task: validation and test are the same as without it.
inline constexpr const char* kTrainSequences = "train_sequences";

// Removes the number from the section of a task and returns it; 0 (every training sequence is new) if there
// is none. path: of the section, for messages. Problems: it is no integer of at least 0.
Index take_train_sequences(Config& task, const std::string& path, Problems& problems);

// Returns true if training reads the same data again and again: a finite set of sequences, or a file.
bool has_finite_training(Index train_sequences, const Task& task);

}  // namespace heed
