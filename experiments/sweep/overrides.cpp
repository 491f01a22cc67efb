#include "experiments/sweep/overrides.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "experiments/sweep/sections.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/trial/yaml.h"

namespace heed {

const Place kCommandLine = {"command line", 0, 0};

namespace {

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
    if (!from_command_line(*tree.find(other)))
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

// A section of the file that an override replaces as a whole: what of it is gone. (undone_overrides notes
// what the command line had set.)
void note_replaced(const Config& tree, const std::string& path, const Config& value,
                   std::vector<std::string>& notes) {
  const Config* section = tree.find(path);
  if (!section || !section->is_map()) return;
  std::vector<std::string> gone;
  for (const Config::Entry& e : section->entries())
    if (!value.find(e.key) && (value.is_map() || e.key != "name") && !from_command_line(e.value))
      gone.push_back(path + '.' + e.key);
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

// Returns the key of "key=value". An axis has the key of its parameter.
std::string key_of(const std::string& word) {
  constexpr std::string_view kAxis = "sweep.parameters.";
  const std::string key = word.substr(0, word.find('='));
  return key.starts_with(kAxis) ? key.substr(kAxis.size()) : key;
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

}  // namespace

void apply_override(Config& tree, const std::string& text, const Registry& registry,
                    std::vector<std::string>& notes, Problems& problems) {
  const std::size_t equals = text.find('=');
  const std::string path = text.substr(0, equals);
  if (path == "plugins")
    return problems.add(kCommandLine, "plugins: on the command line, use --plugin FILE.");
  if (equals == std::string::npos || path.empty() || path.front() == '.' || path.back() == '.' ||
      path.find("..") != std::string::npos)
    return problems.add(
        kCommandLine,
        fmt::format("'{}' is not understood; an override is key=value, such as train.lr=0.001.", text));
  if (auto value = command_line_value(path, text.substr(equals + 1), problems))
    override_key(tree, path, *std::move(value), registry, notes, problems);
}

std::optional<Config> command_line_value(const std::string& key, const std::string& text,
                                         Problems& problems) {
  if (text.empty()) {
    problems.add(kCommandLine, fmt::format("{}: a value is missing after '='.", key));
    return std::nullopt;
  }
  Problems found;
  const auto value = parse_yaml_value(text, key, found);
  for (const std::string& line : found.lines()) problems.add(kCommandLine, line);
  if (!value) return std::nullopt;
  // Parses it again, so that everything in it has the command line as its place.
  return parse_yaml_value(text, kCommandLine.file, found);
}

bool from_command_line(const Config& c) {
  return c.place().file == kCommandLine.file ||
         std::any_of(c.items().begin(), c.items().end(), from_command_line) ||
         std::any_of(c.entries().begin(), c.entries().end(),
                     [](const Config::Entry& e) { return from_command_line(e.value); });
}

std::vector<std::string> repeated_keys(const std::vector<std::string>& words) {
  std::map<std::string, std::vector<std::string>> values;
  for (const std::string& word : words)
    if (const std::size_t equals = word.find('='); equals != std::string::npos)
      values[key_of(word)].push_back(word.substr(equals + 1));
  std::vector<std::string> notes;
  for (const auto& [key, given] : values)
    if (given.size() > 1)
      notes.push_back(fmt::format("{} is set {} times on the command line: {} counts, the last one.", key,
                                  given.size(), given.back()));
  return notes;
}

std::vector<std::string> undone_overrides(const Config& tree, const std::vector<std::string>& overrides,
                                          const Registry& registry) {
  constexpr std::size_t kMost = 100;  // the work grows with their square
  if (overrides.size() > kMost) return {};
  Problems refused_later;
  std::vector<std::string> noted_later;
  std::vector<Config> trees = {tree};  // after each override
  for (const std::string& o : overrides) {
    trees.push_back(trees.back());
    apply_override(trees.back(), o, registry, noted_later, refused_later);
  }
  if (!refused_later.empty()) return {};
  std::vector<std::string> notes;
  for (std::size_t i = 0; i < overrides.size(); ++i) {
    const auto repeats = [&](const std::string& o) { return key_of(o) == key_of(overrides[i]); };
    if (std::any_of(overrides.begin() + static_cast<std::ptrdiff_t>(i) + 1, overrides.end(), repeats) ||
        trees[i].canonical() == trees[i + 1].canonical())
      continue;
    Config without = trees[i];
    for (std::size_t later = i + 1; later < overrides.size(); ++later) {
      apply_override(without, overrides[later], registry, noted_later, refused_later);
      if (!refused_later.empty()) break;  // the later one needs this one
      if (without.canonical() != trees[later + 1].canonical()) continue;
      notes.push_back(fmt::format("{} has no effect: {} comes later on the command line and replaces it.",
                                  overrides[i], overrides[later]));
      break;
    }
    refused_later = {};
  }
  return notes;
}

}  // namespace heed
