#include "experiments/sweep/absolute_paths.h"

#include <string>
#include <system_error>
#include <utility>

#include "experiments/sweep/overrides.h"

namespace heed {
namespace {

// Returns the file that a relative path names: in the folder of the sweep file, else in the working
// directory. On the command line only the latter. Empty if there is none.
std::filesystem::path found_at(const Config& given, const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  const fs::path path = given.text();
  std::error_code ignored;
  if (given.place().file != kCommandLine.file && fs::exists(folder / path, ignored)) return folder / path;
  return fs::exists(path, ignored) ? path : fs::path();
}

// Makes a path, or each path of a list, absolute. Returns true if one has changed. Does not change paths that
// do not exist; the task reports them.
bool make_absolute(Config* value, const std::filesystem::path& folder) {
  if (!value) return false;
  bool changed = false;
  for (Config& item : value->items()) changed |= make_absolute(&item, folder);
  if (!value->is_scalar() || value->text().empty() || value->text().front() == '/') return changed;
  const std::filesystem::path file = found_at(*value, folder);
  if (file.empty()) return false;
  *value = Config::scalar(std::filesystem::absolute(file).lexically_normal().string(), value->place(), true);
  return true;
}

}  // namespace

bool make_task_paths_absolute(Config& tree, const std::filesystem::path& folder) {
  const std::string key = "task.path";
  Config* task = tree.find("task");
  bool changed = task && make_absolute(task->find("path"), folder);
  if (Config* tasks = tree.find("tasks"))
    for (Config& one : tasks->items()) changed |= make_absolute(one.find("path"), folder);
  Config* sweep = tree.find("sweep");
  Config* parameters = sweep ? sweep->find("parameters") : nullptr;
  if (parameters) changed |= make_absolute(parameters->find(key), folder);
  Config* together = sweep ? sweep->find("together") : nullptr;
  if (together)
    for (Config& point : together->items()) changed |= make_absolute(point.find(key), folder);
  return changed;
}

}  // namespace heed
