#pragma once

#include <string>
#include <vector>

#include "core/config.h"

namespace heed::cli {

// Sets options of a task from words like length=128 (or task.length=128, as for `heed run`). Prints a note
// for each option that is set several times. Throws: UsageError if a word is no key=value.
void set_task_options(const std::vector<std::string>& words, Config& options, Problems& problems);

}  // namespace heed::cli
