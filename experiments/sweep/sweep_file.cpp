#include "experiments/sweep/sweep_file.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "core/plugin_host.h"
#include "experiments/sweep/overridden.h"
#include "experiments/sweep/own_settings.h"
#include "experiments/sweep/sections.h"
#include "experiments/sweep/variant_list.h"
#include "experiments/trial/yaml.h"
#include "results/atomic_file.h"

namespace heed {
namespace {

const Place kCommandLine = {"command line", 0, 0};

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

// Makes the paths of texts (`task.path`, swept or not) absolute, because the run directory has a copy of the
// file. Returns true if one has changed.
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

// `task: mqar` is short for `task: {name: mqar}`, also in the list `tasks`.
void spell_out_task(Config& tree) {
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

// Returns true for a key that an entry has beside its variant: its label, or a setting of this variant only.
bool is_beside_variant(const std::string& key) {
  return key == "label" || key.starts_with("model.") || key.starts_with("train.") || key.starts_with("task.");
}

// Sets an option of a variant in an entry, also in the layers of a stack and the stages of a growth. Returns
// true if the entry has this variant.
bool override_entry(Config& entry, const std::string& name, const std::string& option, const Config& value) {
  if (entry.is_scalar() && entry.text() == name) {
    Config spelt = Config::map(entry.place());
    spelt.set(name, Config::map(entry.place()), entry.place());
    entry = std::move(spelt);
  }
  if (!entry.is_map()) return false;
  const bool called_so = entry.find(name) != nullptr;
  if (called_so && is_beside_variant(option))
    entry.set(option, value, kCommandLine);
  else if (called_so)
    set_path(*entry.find(name), option, value, kCommandLine);
  bool found = called_so;
  for (const char* several : {"stack", "grow"})
    if (Config* parts = entry.find(several); parts && parts->is_sequence())
      for (Config& part : parts->items()) found |= override_entry(part, name, option, value);
  return found;
}

// Follows "[1].stack[0]" from the list of variants. Returns null if there is no such entry. `path` keeps what
// comes after it.
Config* find_entry(Config* list, std::string_view& path) {
  while (list && path.starts_with('[')) {
    const char* last = path.data() + path.size();
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(path.data() + 1, last, index);
    if (error != std::errc() || end == last || *end != ']' || index >= list->items().size()) return nullptr;
    path.remove_prefix(static_cast<std::size_t>(end + 1 - path.data()));
    list = &list->items()[index];
    for (const std::string_view several : {"stack", "grow"})
      if (path.starts_with(fmt::format(".{}[", several))) {
        list = list->find(several);
        path.remove_prefix(1 + several.size());
        break;
      }
  }
  return list;
}

// "variants.window.size" sets an option of each entry called window; "variants[1].window.size", as messages
// write it, of one entry.
void override_variant(Config& tree, const std::string& path, const Config& value, Problems& problems) {
  Config* list = tree.find("variants");
  std::string_view rest = std::string_view(path).substr(std::string_view("variants").size());
  std::vector<Config*> entries;
  if (rest.starts_with('[')) {
    entries = {find_entry(list, rest)};
  } else if (list) {
    for (Config& entry : list->items()) entries.push_back(&entry);
  }
  const std::size_t dot = rest.find('.', 1);
  bool found = false;
  if (rest.starts_with('.') && dot != std::string_view::npos)
    for (Config* entry : entries)
      found |= entry && override_entry(*entry, std::string(rest.substr(1, dot - 1)),
                                       std::string(rest.substr(dot + 1)), value);
  if (!found)
    problems.add(kCommandLine,
                 fmt::format("{}: no entry of variants has this name; write variants.NAME.OPTION=value for "
                             "an existing entry, or variants=[...] for the whole list.",
                             path));
}

bool stands_in_together(const Config& tree, const std::string& path) {
  const Config* together = tree.find_path("sweep.together");
  return together && std::any_of(together->items().begin(), together->items().end(),
                                 [&](const Config& c) { return c.find(path); });
}

// "tasks[1].length" sets an option of one task.
void override_task(Config& tree, const std::string& path, Config value, Problems& problems) {
  std::string_view rest = std::string_view(path).substr(std::string_view("tasks").size());
  Config* task = find_entry(tree.find("tasks"), rest);
  if (!task || !task->is_map() || !rest.starts_with('.'))
    return problems.add(
        kCommandLine, fmt::format("{}: there is no such task; write tasks[0].OPTION=value for the first one, "
                                  "or tasks=[...] for the whole list.",
                                  path));
  set_path(*task, rest.substr(1), std::move(value), kCommandLine);
}

// One task instead of several, or several instead of one: the other key of the file goes. Returns false if
// the override sets an option of `task`, which the file does not have.
bool settle_tasks(Config& tree, const std::string& path, std::vector<std::string>& notes,
                  Problems& problems) {
  const std::string other = path == "task" ? "tasks" : path == "tasks" ? "task" : "";
  if (!other.empty() && tree.find(other)) {
    notes.push_back(fmt::format("{}: the command line replaces `{}` of the file.", path, other));
    tree.erase(other);
  }
  if (!path.starts_with("task.") || !tree.find("tasks")) return true;
  problems.add(kCommandLine,
               fmt::format("{0}: the file has several tasks; write tasks[0].{1}=value for the first one, or "
                           "sweep.parameters.{0}=[...] for all.",
                           path, path.substr(std::string_view("task.").size())));
  return false;
}

// A section of the file that an override replaces as a whole: what of it is gone.
void note_replaced(const Config& tree, const std::string& path, const Config& value,
                   std::vector<std::string>& notes) {
  const Config* section = tree.find(path);
  if (!section || !section->is_map()) return;
  std::vector<std::string> gone;
  for (const Config::Entry& e : section->entries())
    if (!value.find(e.key) && (value.is_map() || e.key != "name")) gone.push_back(path + '.' + e.key);
  if (!gone.empty())
    notes.push_back(
        fmt::format("{}: the command line replaces the whole section; {} of the file {} no "
                    "effect. To change one key, write {}.KEY=value.",
                    path, fmt::join(gone, ", "), gone.size() == 1 ? "has" : "have", path));
}

// A key that variants set for themselves: the command line sets it for the others only.
void note_own(const Config& tree, const std::string& path, std::vector<std::string>& notes) {
  const Config* list = tree.find("variants");
  if (!list) return;
  for (std::size_t i = 0; i < list->items().size(); ++i) {
    const Config& entry = list->items()[i];
    if (!entry.find(path)) continue;
    std::string name;
    for (const Config::Entry& e : entry.entries())
      if (e.key != "label" && e.key.find('.') == std::string::npos) name = e.key;
    notes.push_back(
        fmt::format("{0}: variants[{1}] sets it for itself, so the command line does not change it "
                    "there. To change it, write 'variants[{1}].{2}.{0}=VALUE'.",
                    path, i, name));
  }
}

// Sets one key. A list for an option that takes one value is set in sweep.parameters, as an axis.
void override_key(Config& tree, const std::string& path, Config value, const Registry& registry,
                  std::vector<std::string>& notes, Problems& problems) {
  static const std::string parameters = "sweep.parameters.";
  if (path.starts_with(parameters)) {  // its keys have dots themselves
    Config* section = tree.find("sweep");
    if (!section || !section->is_map()) set_path(tree, "sweep", Config::map(kCommandLine), kCommandLine);
    Config* map = tree.find("sweep")->find("parameters");
    if (!map || !map->is_map()) set_path(tree, "sweep.parameters", Config::map(kCommandLine), kCommandLine);
    return tree.find("sweep")
        ->find("parameters")
        ->set(path.substr(parameters.size()), std::move(value), kCommandLine);
  }
  if (path.starts_with("variants.") || path.starts_with("variants["))
    return override_variant(tree, path, value, problems);
  if (path.starts_with("tasks[")) return override_task(tree, path, std::move(value), problems);
  if (!settle_tasks(tree, path, notes, problems)) return;
  if (stands_in_together(tree, path))
    return problems.add(
        kCommandLine,
        fmt::format("{}: sweep.together sets it; change it there, or remove sweep.together.", path));
  const std::vector<OptionInfo> options = section_options(tree, registry);
  const bool is_parameter = refuse_path(path, options).empty();
  if (is_parameter && value.is_sequence() &&
      (!takes_list(path, options) || (!value.items().empty() && value.items()[0].is_sequence())))
    return override_key(tree, parameters + path, std::move(value), registry, notes, problems);
  if (Config* sweep = tree.find("sweep"); is_parameter && sweep)
    if (Config* swept = sweep->find("parameters")) swept->erase(path);
  note_replaced(tree, path, value, notes);
  note_own(tree, path, notes);
  set_path(tree, path, std::move(value), kCommandLine);
}

void override_one(Config& tree, const std::string& text, const Registry& registry,
                  std::vector<std::string>& notes, Problems& problems) {
  const std::size_t equals = text.find('=');
  const std::string path = text.substr(0, equals);
  if (path == "plugins")
    return problems.add(kCommandLine, "plugins: on the command line, use --plugin FILE.");
  if (equals == std::string::npos || path.empty() || path.front() == '.' || path.back() == '.' ||
      path.find("..") != std::string::npos)
    return problems.add(
        kCommandLine,
        fmt::format("'{}' is not understood; an override is key=value, as train.lr=0.001.", text));
  Problems found;
  const std::string value_text = text.substr(equals + 1);
  if (value_text.empty())
    return problems.add(kCommandLine, fmt::format("{}: a value is missing after '='.", path));
  const auto value = parse_yaml_value(value_text, path, found);
  for (const std::string& line : found.lines()) problems.add(kCommandLine, line);
  if (!value) return;
  // Parses it again, so that everything in it has the command line as its place.
  override_key(tree, path, *parse_yaml_value(value_text, kCommandLine.file, found), registry, notes,
               problems);
}

bool from_command_line(const Config& c) {
  return c.place().file == kCommandLine.file ||
         std::any_of(c.items().begin(), c.items().end(), from_command_line) ||
         std::any_of(c.entries().begin(), c.entries().end(),
                     [](const Config::Entry& e) { return from_command_line(e.value); });
}

// Returns true if a label, "window(size=8)" or "window+softmax", begins with a registered variant.
bool names_variant(const std::string& label, const Registry& registry) {
  return registry.find_variant(label.substr(0, label.find_first_of("(+"))) != nullptr;
}

std::vector<std::string> labels_of(const Config& tree, const Registry& registry) {
  Problems reported_later;
  std::vector<std::string> out;
  for (const VariantEntry& v : read_variants(tree, registry, reported_later)) out.push_back(v.label);
  return out;
}

// What an override of the list of variants removes names of.
struct Replaced {
  const std::vector<VariantEntry>& entries;     // of the command line
  const std::vector<std::string>& file_labels;  // of the file's own variants
  const Registry& registry;

  // Returns true if a name is that of a variant, or the label of one in the file.
  bool knows(const std::string& name) const {
    return names_variant(name, registry) || std::ranges::find(file_labels, name) != file_labels.end();
  }
};

// Replaces a reference that is not among the variants of the command line by the first of these.
void settle_reference(Config* reference, const std::string& path, const Replaced& replaced,
                      std::vector<std::string>& notes) {
  const std::vector<VariantEntry>& entries = replaced.entries;
  const Config* variant = reference && reference->is_map() ? reference->find("variant") : reference;
  if (!variant || !variant->is_scalar() || from_command_line(*reference) || entries.empty() ||
      !replaced.knows(variant->text()))
    return;
  const bool is_there = std::any_of(entries.begin(), entries.end(),
                                    [&](const VariantEntry& v) { return v.label == variant->text(); });
  if (is_there) return;
  notes.push_back(
      fmt::format("{}: '{}' is not among the variants of the command line; the first of them, '{}', becomes "
                  "the reference.",
                  path, variant->text(), entries[0].label));
  *reference = Config::scalar(entries[0].label, kCommandLine);
}

// Removes tunable options of variants that are not on the command line.
void settle_adjust(Config* adjust, const Replaced& replaced) {
  if (!adjust || !adjust->is_map()) return;
  std::erase_if(adjust->entries(), [&](const Config::Entry& e) {
    return !from_command_line(e.value) && replaced.knows(e.key) &&
           std::none_of(replaced.entries.begin(), replaced.entries.end(),
                        [&](const VariantEntry& v) { return is_called(v, e.key); });
  });
}

// Removes parameters of a reference that have one value on the command line.
void settle_reference_values(const Config& tree, Config* reference, std::vector<std::string>& notes) {
  if (!reference || !reference->is_map() || from_command_line(*reference)) return;
  std::erase_if(reference->entries(), [&](const Config::Entry& e) {
    const Config* set = e.key == "variant" ? nullptr : tree.find_path(e.key);
    if (!set || !from_command_line(*set) || is_swept(tree, e.key)) return false;
    notes.push_back(
        fmt::format("compare.reference: '{}' has one value on the command line, which the "
                    "reference has, too.",
                    e.key));
    return true;
  });
}

// Adapts the section `compare` to overrides that removed what it names: the first variant becomes the
// reference, and nothing is selected. Does not change what is wrong without overrides; it is refused later.
// file_labels: of the variants before the overrides.
void settle_compare(SweepFile& file, const std::vector<std::string>& file_labels, const Registry& registry) {
  Config* compare = file.tree.find("compare");
  if (!compare || !compare->is_map()) return;
  const Config* variants = file.tree.find("variants");
  if (variants && from_command_line(*variants)) {
    Problems refused_later;
    const std::vector<VariantEntry> entries = read_variants(file.tree, registry, refused_later);
    const Replaced replaced{entries, file_labels, registry};
    settle_reference(compare->find("reference"), "compare.reference", replaced, file.notes);
    if (Config* match = compare->find("match"); match && match->is_map()) {
      settle_reference(match->find("reference"), "compare.match.reference", replaced, file.notes);
      settle_adjust(match->find("adjust"), replaced);
    }
  }
  settle_reference_values(file.tree, compare->find("reference"), file.notes);
  const Config* select = compare->find("select");
  if (!select || !select->is_scalar() || from_command_line(*select)) return;
  const Config* set = file.tree.find_path(select->text());
  const std::vector<std::string> own = own_paths(file.tree);
  if (set && from_command_line(*set) && !is_swept(file.tree, select->text()) &&
      std::ranges::find(own, compared_path(select->text())) == own.end()) {
    file.notes.push_back(fmt::format(
        "compare.select: '{}' has one value on the command line; nothing is selected.", select->text()));
    compare->erase("select");
  }
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
  spell_out_task(*tree);
  const std::vector<std::string> file_labels =
      overrides.empty() ? std::vector<std::string>() : labels_of(*tree, registry);
  std::vector<std::string> notes;
  for (const std::string& o : overrides) {
    override_one(*tree, o, registry, notes, problems);
    spell_out_task(*tree);
  }
  paths_changed |= make_task_paths_absolute(*tree, folder);
  SweepFile out{std::move(*tree), text, std::move(notes)};
  if (!overrides.empty()) settle_compare(out, file_labels, registry);
  const char* what = !overrides.empty() ? "overrides" : paths_changed ? "absolute paths" : nullptr;
  if (what) out.text = fmt::format("# {} with {}\n{}", file, what, out.tree.yaml());
  return out;
}

std::optional<SweepFile> read_sweep_file(const std::filesystem::path& file,
                                         const std::vector<std::string>& overrides, Registry& registry,
                                         Problems& problems) {
  return parse_sweep_file(results::read_text(file), file.string(), overrides, registry, problems);
}

}  // namespace heed
