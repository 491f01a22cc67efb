#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/registry.h"

namespace heed {

// One of several tasks of a sweep, as it is given.
struct TaskEntry {
  Config task;        // {name: mqar, length: 64}
  std::string label;  // "mqar", or "mqar(length=64)" if others have the same name; different for each entry
  std::string path;   // in the file: "tasks[1]"
};

// Reads `tasks: [{name: mqar, length: [64, 128]}, listops]`. An option that takes one value may have a list,
// which is crossed. Returns an empty list if the file has no such key, or with problems.
std::vector<TaskEntry> read_tasks(const Config& tree, const Registry& registry, Problems& problems);

}  // namespace heed
