#include "experiments/sweep/task_list.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "experiments/sweep/combinations.h"
#include "experiments/trial/label.h"
#include "experiments/trial/test_lengths.h"

namespace heed {
namespace {

constexpr std::size_t kMostTasks = 1000;

// Returns the options of a task that have a list of values, each to be crossed.
std::vector<std::string> crossed_options(const Config& task, const Registry& registry) {
  const Config* name = task.find("name");
  const TaskInfo* info = name && name->is_scalar() ? registry.find_task(name->text()) : nullptr;
  std::vector<std::string> out;
  for (const Config::Entry& e : task.entries()) {
    const bool is_list = e.value.is_sequence() && !e.value.items().empty();
    const bool of_lists = is_list && e.value.items()[0].is_sequence();
    const bool takes_list =
        e.key == kTestLengths || (info && std::ranges::any_of(info->options, [&](const OptionInfo& o) {
                                    return o.name == e.key && o.type.starts_with("list");
                                  }));
    if (is_list && (!takes_list || of_lists)) out.push_back(e.key);
  }
  return out;
}

std::vector<Config> cross(const Config& task, const std::string& path, const Registry& registry,
                          Problems& problems) {
  const std::vector<std::string> options = crossed_options(task, registry);
  std::vector<std::size_t> sizes;
  for (const std::string& o : options) sizes.push_back(task.find(o)->items().size());
  const auto all = combinations(sizes, kMostTasks);
  if (!all)
    problems.add(task.place(), fmt::format("{}: it is crossed more than {} times.", path, kMostTasks));
  std::vector<Config> out;
  if (!all) return out;
  for (const std::vector<std::size_t>& at : *all) {
    out.push_back(task);
    for (std::size_t i = 0; i < options.size(); ++i)
      out.back().set(options[i], task.find(options[i])->items()[at[i]]);
  }
  return out;
}

// Labels tasks by name, and by the options that differ between tasks of this name.
void add_labels(std::vector<TaskEntry>& tasks) {
  std::map<std::string, std::map<std::string, std::set<std::string>>> used;
  std::map<std::string, std::set<std::string>> keys;
  const auto name_of = [](const TaskEntry& t) {
    const Config* name = t.task.find("name");
    return name ? name->text() : std::string();
  };
  const auto value = [](const TaskEntry& t, const std::string& key) {
    const Config* found = t.task.find(key);
    return found ? found->canonical() : std::string();
  };
  for (const TaskEntry& t : tasks)
    for (const Config::Entry& e : t.task.entries()) keys[name_of(t)].insert(e.key);
  for (const TaskEntry& t : tasks)
    for (const std::string& key : keys[name_of(t)]) used[name_of(t)][key].insert(value(t, key));
  for (TaskEntry& t : tasks) {
    std::vector<std::pair<std::string, std::string>> shown;
    for (const Config::Entry& e : t.task.entries())
      if (used[name_of(t)][e.key].size() > 1) shown.emplace_back(e.key, e.value.canonical());
    t.label = label(name_of(t), shown);
  }
}

}  // namespace

std::vector<TaskEntry> read_tasks(const Config& tree, const Registry& registry, Problems& problems) {
  const Config* list = tree.find("tasks");
  if (!list) return {};
  if (tree.find("task"))
    problems.add(list->place(), "tasks: the file has `task`, too. List every task here, and remove `task`.");
  if (!list->is_sequence() || list->items().empty()) {
    problems.add(list->place(),
                 fmt::format("tasks: expected a list of tasks, as [{{name: mqar, length: 64}}, "
                             "listops], found {}.",
                             list->described()));
    return {};
  }
  std::vector<TaskEntry> tasks;
  std::map<std::string, std::string> seen;
  for (std::size_t i = 0; i < list->items().size(); ++i) {
    const Config& item = list->items()[i];
    const std::string path = fmt::format("tasks[{}]", i);
    if (!item.is_map()) {
      problems.add(item.place(),
                   fmt::format("{}: expected {{name: mqar, length: 64}}, found {}.", path, item.described()));
      continue;
    }
    for (Config& task : cross(item, path, registry, problems)) {
      const auto [at, is_new] = seen.insert({task.canonical(), path});
      if (!is_new)
        problems.add(item.place(),
                     fmt::format("{}: it is the same task as {}; remove one of them.", path, at->second));
      else if (tasks.size() == kMostTasks)
        problems.add(item.place(), fmt::format("tasks: there are more than {} of them.", kMostTasks));
      else
        tasks.push_back({std::move(task), "", path});
    }
  }
  add_labels(tasks);
  return tasks;
}

}  // namespace heed
