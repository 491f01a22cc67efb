#pragma once

#include <filesystem>

#include "core/registry.h"
#include "experiments/run/run_directory.h"
#include "experiments/sweep/sweep.h"

namespace heed::cli {

// Lets this process and those that it starts read the subwords of a run directory, in place of training them
// again. The folder is in the environment (SubwordFolder), because a task is made from its options and a seed
// only. As an option it would be a part of every recorded configuration, and as an argument a part of the
// interface that tasks in plugins have. Workers, their ranks and the processes that time steps inherit it.
// Requires: no other thread runs.
void use_kept_subwords(const std::filesystem::path& directory);

// Writes the subwords of a sweep's texts into the run directory, as subwords/<hash>.model, so that tokens can
// be decoded later and that a resumed run reads them. The hash is the option `subwords` of the task. Files
// that exist and are not damaged are not written again. Throws: results::IoError if a file cannot be written;
// heed::Error if a task cannot be made.
void keep_subwords(const RunDirectory& directory, const Sweep& sweep, const Registry& registry);

}  // namespace heed::cli
