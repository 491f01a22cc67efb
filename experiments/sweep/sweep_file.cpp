#include "experiments/sweep/sweep_file.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/plugin_host.h"
#include "experiments/sweep/absolute_paths.h"
#include "experiments/sweep/overrides.h"
#include "experiments/sweep/settle_compare.h"
#include "experiments/trial/yaml.h"
#include "results/atomic_file.h"

namespace heed {
namespace {

// Loads `plugins: [build/cosine.so]`. Paths are relative to the sweep file, or else to the working directory.
// They become absolute in the tree, because the run directory has a copy of the file. Returns true if a path
// has changed.
bool load_listed_plugins(Config& tree, const std::filesystem::path& folder, Registry& registry,
                         Problems& problems) {
  Config* list = tree.find("plugins");
  if (!list || list->is_null()) return false;
  if (!list->is_sequence()) {
    problems.add(list->place(),
                 fmt::format("plugins: expected a list of files, found {}.", list->described()));
    return false;
  }
  bool relative = false;
  for (Config& item : list->items()) {
    if (!item.is_scalar()) {
      problems.add(item.place(), fmt::format("plugins: expected a file, found {}.", item.described()));
      continue;
    }
    const std::filesystem::path given = item.text(), beside = folder / given;
    const std::filesystem::path file = std::filesystem::exists(beside) ? beside : given;
    try {
      load_plugin(file, registry);
    } catch (const PluginError& e) {
      throw PluginError(fmt::format("{}: plugins: {}", item.place().to_string(), e.what()));
    }
    if (given.is_absolute()) continue;
    relative = true;
    item = Config::scalar(std::filesystem::absolute(file).string(), item.place(), true);
  }
  return relative;
}

// Refuses a list in `task`, and takes it for `tasks`, so that mistakes in it are found, too.
void refuse_task_list(Config& tree, Problems& problems) {
  const Config* task = tree.find("task");
  if (!task || !task->is_sequence() || task->items().empty()) return;
  problems.add(task->place(),
               fmt::format("task: expected {{name: mqar, length: 64}}, found {}. Write several "
                           "tasks under `tasks`.",
                           task->described()));
  tree.set("tasks", *task, task->place());
  tree.erase("task");
}

// `task: mqar` is short for `task: {name: mqar}`, also in the list `tasks`.
void spell_out_task(Config& tree, Problems& problems) {
  refuse_task_list(tree, problems);
  const auto spell_out = [](Config& task) {
    if (!task.is_scalar()) return;
    Config spelt = Config::map(task.place());
    spelt.set("name", task);
    task = std::move(spelt);
  };
  if (Config* task = tree.find("task")) spell_out(*task);
  if (Config* tasks = tree.find("tasks"))
    for (Config& task : tasks->items()) spell_out(task);
}

}  // namespace

void set_path(Config& tree, std::string_view path, Config value, const Place& place) {
  const auto dot = path.find('.');
  const std::string key(path.substr(0, dot));
  if (dot == std::string_view::npos) return tree.set(key, std::move(value), place);
  Config* inner = tree.find(key);
  if (!inner || !inner->is_map()) {
    tree.set(key, Config::map(place), place);
    inner = tree.find(key);
  }
  set_path(*inner, path.substr(dot + 1), std::move(value), place);
}

std::optional<SweepFile> parse_sweep_file(const std::string& text, const std::string& file,
                                          const std::vector<std::string>& overrides, Registry& registry,
                                          Problems& problems) {
  std::optional<Config> tree = parse_yaml(text, file, problems);
  if (!tree) return std::nullopt;
  if (!tree->is_map()) {
    problems.add(tree->place(),
                 fmt::format("a sweep file is a map of sections; this is {}.", tree->described()));
    return std::nullopt;
  }
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  bool paths_changed = load_listed_plugins(*tree, folder, registry, problems);
  spell_out_task(*tree, problems);
  const std::vector<std::string> file_labels =
      overrides.empty() ? std::vector<std::string>() : labels_of(*tree, registry);
  std::vector<std::string> notes = repeated_keys(overrides);
  for (std::string& note : undone_overrides(*tree, overrides, registry)) notes.push_back(std::move(note));
  for (const std::string& o : overrides) {
    apply_override(*tree, o, registry, notes, problems);
    spell_out_task(*tree, problems);
  }
  paths_changed |= make_task_paths_absolute(*tree, folder);
  SweepFile out{std::move(*tree), text, std::move(notes)};
  if (!overrides.empty()) settle_compare(out, file_labels, registry);
  const char* what = !overrides.empty() ? "overrides" : paths_changed ? "absolute paths" : nullptr;
  if (what) out.text = fmt::format("# {} with {}\n{}", file, what, out.tree.yaml());
  return out;
}

void list_plugins(SweepFile& file, const std::string& path, const std::vector<PluginOrigin>& plugins) {
  const Config* given = file.tree.find("plugins");
  std::vector<Config> all = given && given->is_sequence() ? given->items() : std::vector<Config>();
  const std::size_t before = all.size();
  for (const PluginOrigin& plugin : plugins) {
    const bool listed = std::ranges::any_of(all, [&](const Config& item) {
      std::error_code gone;
      return std::filesystem::weakly_canonical(item.text(), gone).string() == plugin.path;
    });
    if (!listed) all.push_back(Config::scalar(plugin.path, kCommandLine, true));
  }
  if (all.size() == before) return;
  file.tree.set("plugins", Config::sequence(std::move(all)));
  file.text = fmt::format("# {} with its overrides and plugins\n{}", path, file.tree.yaml());
}

std::optional<SweepFile> read_sweep_file(const std::filesystem::path& file,
                                         const std::vector<std::string>& overrides, Registry& registry,
                                         Problems& problems) {
  return parse_sweep_file(results::read_text(file), file.string(), overrides, registry, problems);
}

}  // namespace heed
