#pragma once

#include "core/registry.h"
#include "experiments/run/run_directory.h"
#include "experiments/sweep/sweep.h"

namespace heed::cli {

// Writes the subwords of a sweep's texts into the run directory, as subwords/<hash>.model, so that tokens can
// be decoded later and that a resumed run reads them. The hash is the option `subwords` of the task. Files
// that exist and are not damaged are not written again. Throws: results::IoError if a file cannot be written;
// heed::Error if a task cannot be made.
void keep_subwords(const RunDirectory& directory, const Sweep& sweep, const Registry& registry);

}  // namespace heed::cli
