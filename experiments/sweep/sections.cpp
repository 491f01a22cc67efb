#include "experiments/sweep/sections.h"

#include <fmt/format.h>

#include "core/abbreviate.h"
#include "core/model/model_spec.h"
#include "experiments/trial/test_lengths.h"
#include "experiments/trial/train_options.h"
#include "experiments/trial/train_sequences.h"

namespace heed {
namespace {

const std::vector<std::string> kSections = {"task", "model", "train"};

// Adds options with the section's name before theirs. Optimizers may share an option: it is added once.
void append(std::vector<OptionInfo>& to, const std::string& section, const std::vector<OptionInfo>& options) {
  for (OptionInfo o : options) {
    o.name = section + '.' + o.name;
    if (std::none_of(to.begin(), to.end(), [&](const OptionInfo& known) { return known.name == o.name; }))
      to.push_back(std::move(o));
  }
}

// Returns the tasks that the sections `task` and `tasks` name; none if one of them is unknown or swept.
std::vector<const TaskInfo*> tasks_named(const Config& tree, const Registry& registry) {
  if (is_swept(tree, "task.name")) return {};
  std::vector<const Config*> given;
  if (const Config* task = tree.find("task")) given.push_back(task);
  if (const Config* tasks = tree.find("tasks"))
    for (const Config& task : tasks->items()) given.push_back(&task);
  std::vector<const TaskInfo*> out;
  for (const Config* task : given) {
    const Config* name = task->find("name");
    out.push_back(name ? registry.find_task(name->text()) : nullptr);
    if (!out.back()) return {};
  }
  return out;
}

const OptionInfo* find(const std::vector<OptionInfo>& options, const std::string& path) {
  const auto at =
      std::find_if(options.begin(), options.end(), [&](const OptionInfo& o) { return o.name == path; });
  return at == options.end() ? nullptr : &*at;
}

std::vector<std::string> all_names(const Registry& registry) {
  std::vector<std::string> all = names(registry.variants());
  for (const auto& more : {names(registry.positions()), names(registry.optimizers()),
                           names(registry.schedules()), names(registry.tasks())})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

bool read_named(const Config& c, const std::string& path, const std::string& what, Named& out,
                Problems& problems) {
  if (c.is_scalar()) {
    out = {c.text(), Config::map(c.place()), c.place()};
    return true;
  }
  if (c.is_map() && c.entries().size() == 1) {
    const Config::Entry& e = c.entries()[0];
    out = {e.key, e.value, e.key_place};
    return true;
  }
  problems.add(
      c.place(),
      fmt::format("{}: expected the name of {} or {{name: {{option: value}}}}, found {}.", path, what,
                  c.is_map() ? fmt::format("a map of {} keys", c.entries().size()) : c.described()));
  return false;
}

std::string unknown_name(const std::string& what, const std::string& name,
                         const std::vector<std::string>& known, const Registry& registry) {
  const std::string kind = registry.kind_of(name);
  if (!kind.empty())
    return fmt::format("'{}' is {}, not {}.", name, kind, with_article(what)) + suggestion(name, known);
  std::string hint;
  if (nearest(name, known).empty())  // perhaps it is a misspelled name of something else
    if (const std::string other = nearest(name, all_names(registry)); !other.empty())
      hint = fmt::format(" Did you mean '{}'? It is {}.", other, registry.kind_of(other));
  return fmt::format("unknown {} '{}'.{}{}", what, name, hint, suggestion(name, known));
}

void refuse_lists(Config& sections, const std::vector<OptionInfo>& options, Problems& problems) {
  for (const OptionInfo& o : options) {
    const Config* value = sections.find_path(o.name);
    if (!value || !value->is_sequence() || o.type.starts_with("list")) continue;
    problems.add(
        value->place(),
        fmt::format("{0}: expected one {1}, found {2}. To sweep it: sweep: {{parameters: {{{0}: {3}}}}}.",
                    o.name, o.type, value->described(),
                    value->items().empty() ? "[...]" : value->canonical()));
    if (!value->items().empty()) sections.set_path(o.name, Config(value->items()[0]));
  }
}

bool is_swept(const Config& tree, const std::string& path) {
  const Config* parameters = tree.find_path("sweep.parameters");
  if (parameters && parameters->find(path)) return true;
  const Config* together = tree.find_path("sweep.together");
  return together && std::any_of(together->items().begin(), together->items().end(),
                                 [&](const Config& c) { return c.find(path); });
}

std::vector<OptionInfo> section_options(const Config& tree, const Registry& registry) {
  std::vector<OptionInfo> all;
  append(all, "task", {{"name", "string", "", {}}});
  const std::vector<const TaskInfo*> tasks = tasks_named(tree, registry);
  for (const TaskInfo* task : tasks) append(all, "task", task->options);
  if (tasks.empty()) {
    for (const TaskInfo& t : registry.tasks()) append(all, "task", t.options);
  }
  append(all, "task", {{kTestLengths, "list of integers", "", {}}, {kTrainSequences, "integer", "", {}}});
  append(all, "model", list_options<ModelOptions>());
  for (const char* key :
       {"positions", "feed_forward", "type", "pool", "encoder_attention", "cross_attention"})
    append(all, "model", {{key, "string", "", {}}});
  append(all, "train", list_options<TrainOptions>());
  append(all, "train", {{"optimizer", "string", "", {}}, {"schedule", "string", "", {}}});
  for (const OptimizerInfo& o : registry.optimizers()) append(all, "train", o.options);
  for (const ScheduleInfo& s : registry.schedules()) append(all, "train", s.options);
  return all;
}

bool takes_list(const std::string& path, const std::vector<OptionInfo>& options) {
  const OptionInfo* option = find(options, path);
  return option && option->type.starts_with("list");
}

std::string refuse_path(const std::string& path, const std::vector<OptionInfo>& options) {
  if (find(options, path)) return "";
  // The options of a slot are checked later, when its content is known.
  for (const char* slot :
       {"model.positions.", "model.feed_forward.", "model.encoder_attention.", "model.cross_attention."})
    if (path.starts_with(slot)) return "";
  std::vector<std::string> same_section, all;
  const std::string section = path.substr(0, path.find('.'));
  for (const OptionInfo& o : options) {
    all.push_back(o.name);
    if (o.name.starts_with(section + '.')) same_section.push_back(o.name);
    // "lr" without a section, as in other sweep tools
    if (o.name.substr(o.name.find('.') + 1) == path)
      return fmt::format("a parameter's name is section and key. Did you mean '{}'?", o.name);
  }
  if (section == "variants")
    return "sweep the options of a variant in its entry: '- window: {size: [8, 16]}' under variants.";
  if (!same_section.empty()) return "there is no such parameter." + suggestion(path, same_section);
  const std::string near = nearest(path, all);
  return near.empty() ? "there is no such section." + suggestion(section, kSections)
                      : fmt::format("there is no such parameter. Did you mean '{}'?", near);
}

}  // namespace heed
