#pragma once

#include <filesystem>

#include "core/config.h"

namespace heed {

// Makes the paths of texts (`task.path`, swept or not) absolute, because the run directory has a copy of the
// file. A relative path is in `folder`, that of the sweep file, or else in the working directory; on the
// command line only the latter. Does not change paths that do not exist; the task reports them. Returns true
// if one has changed.
bool make_task_paths_absolute(Config& tree, const std::filesystem::path& folder);

}  // namespace heed
