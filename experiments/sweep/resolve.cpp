#include "experiments/sweep/resolve.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/abbreviate.h"
#include "experiments/sweep/model_type.h"
#include "experiments/sweep/sections.h"
#include "experiments/sweep/sweep_file.h"
#include "experiments/sweep/train_section.h"
#include "experiments/sweep/variant_names.h"
#include "experiments/trial/method.h"
#include "experiments/trial/test_lengths.h"
#include "experiments/trial/train_sequences.h"

namespace heed {
namespace {

// Returns null for an absent and for an empty section.
const Config* section(const Config& sections, const char* name) {
  const Config* found = sections.find(name);
  return found && !found->is_null() ? found : nullptr;
}

// Checks the options of the task at each length that it is tested at.
void check_test_lengths(const Config& section, const std::string& path, const TaskInfo& info,
                        const TrialConfig& trial, Problems& problems) {
  if (trial.test_lengths.empty() || !problems.empty()) return;
  const Place place = section.find(kTestLengths)->place();
  if (std::ranges::find(info.options, "length", &OptionInfo::name) == info.options.end())
    return problems.add(
        place, fmt::format("{}.{}: the task '{}' has no option 'length'.", path, kTestLengths, info.name));
  for (const Index length : trial.test_lengths) {
    Problems found;
    info.resolve(at_length(trial.task, length).options, path, found);
    for (const std::string& line : found.lines())
      problems.add(place,
                   fmt::format("{}.{}: {} is no length of this task: {}", path, kTestLengths, length, line));
  }
}

// Refuses keys that neither the task nor every task has, and removes them.
void refuse_unknown_options(Config& section, const std::string& path, const TaskInfo& info,
                            Problems& problems) {
  std::vector<OptionInfo> known = info.options;
  for (const char* key : {kTestLengths, kTrainSequences}) known.push_back({key, "", "", {}});
  detail::refuse_unknown(section, path, '\'' + info.name + '\'', known, problems);
  std::erase_if(section.entries(), [&](const Config::Entry& e) {
    return std::ranges::find(known, e.key, &OptionInfo::name) == known.end();
  });
}

// Returns a hint for `{mqar: {length: 64}}`, as variants are written.
std::string written_as_variant(const Config& task, const Registry& registry) {
  if (task.entries().size() != 1 || !registry.find_task(task.entries()[0].key)) return "";
  return fmt::format(" A task is written as {{name: {}, length: 64}}.", task.entries()[0].key);
}

// Reads `task: {name: mqar, length: 64}`. Adds at most one problem about the name, because its options are
// unknown without it.
void resolve_task(const Config& sections, const std::string& path, const Registry& registry,
                  TrialConfig& trial, Problems& problems) {
  const std::vector<std::string> known = names(registry.tasks());
  const Config* task = section(sections, "task");
  const Config* name = task ? task->find("name") : nullptr;
  if (!task)
    return problems.add(sections.place(), "task: the section is missing (or `tasks`, a list of several)." +
                                              suggestion("", known));
  if (!task->is_map())
    return problems.add(task->place(), fmt::format("{}: expected {{name: mqar, length: 64}}, found {}.", path,
                                                   task->described()));
  if (!name)
    return problems.add(task->place(), path + ".name: it is missing." + written_as_variant(*task, registry) +
                                           suggestion("", known));
  const TaskInfo* info = name->is_scalar() ? registry.find_task(name->text()) : nullptr;
  if (!info)
    return problems.add(
        name->place(),
        fmt::format("{}.name: {}", path,
                    name->is_scalar() ? unknown_name("task", name->text(), known, registry)
                                      : fmt::format("expected a string, found {}.", name->described())));
  Config options = *task;
  options.erase("name");
  trial.test_lengths = take_test_lengths(options, path, problems);
  trial.train_sequences = take_train_sequences(options, path, problems);
  refuse_unknown_options(options, path, *info, problems);
  trial.task = {info->name, info->resolve(options, path, problems)};
  check_test_lengths(*task, path, *info, trial, problems);
}

// Keys of `model` that are no options of ModelOptions.
const std::vector<std::string> kModelKeys = {"positions", "feed_forward",      "type",
                                             "pool",      "encoder_attention", "cross_attention"};

// Reads a slot of the model: "none", or a registered name with its options.
template <class Find>
void resolve_slot(const Config* model, const char* slot, const char* what,
                  const std::vector<std::string>& known, const Find& find, const Registry& registry,
                  Choice& choice, Problems& problems) {
  const Config* given = model ? model->find(slot) : nullptr;
  const std::string path = fmt::format("model.{}", slot);
  Named named{choice.name, Config(), {}};
  if (given && !read_named(*given, path, with_article(what), named, problems)) return;
  if (named.name == "none") {
    choice = {"none", Config::map()};
    return;
  }
  const auto* info = find(named.name);
  if (!info || std::find(known.begin(), known.end(), named.name) == known.end())
    return problems.add(named.place,
                        fmt::format("{}: {}", path, unknown_name(what, named.name, known, registry)));
  choice = {named.name, info->resolve(named.options, path + '.' + named.name, problems)};
}

// Reads where else an encoder-decoder has attention: `softmax` or `{window: {size: 8}}`.
void resolve_place(const Config* model, const char* key, const Registry& registry, std::vector<Choice>& place,
                   Problems& problems) {
  const Config* given = model ? model->find(key) : nullptr;
  if (!given) return;
  const std::string path = fmt::format("model.{}", key);
  const std::vector<std::string> known = variant_names(registry, true);
  Named named;
  if (!read_named(*given, path, "an attention variant", named, problems)) return;
  const VariantInfo* info = registry.find_variant(named.name);
  if (!info || std::ranges::find(known, named.name) == known.end())
    return problems.add(
        named.place,
        fmt::format("{}: {}", path, unknown_name("attention variant", named.name, known, registry)));
  place = {{named.name, info->resolve(named.options, path + '.' + named.name, problems)}};
}

void resolve_model(const Config& sections, const Registry& registry, TrialConfig& trial, Problems& problems) {
  const Config* model = section(sections, "model");
  read_section(trial.model, model, "model", kModelKeys, problems);
  if (model && !model->is_map()) return;
  const auto with_none = [](std::vector<std::string> all) {
    all.emplace_back("none");
    return all;
  };
  resolve_slot(
      model, "positions", "kind of position", with_none(names(registry.positions())),
      [&](const std::string& name) { return registry.find_position(name); }, registry, trial.positions,
      problems);
  resolve_slot(
      model, "feed_forward", "feed-forward", with_none(variant_names(registry, false)),
      [&](const std::string& name) { return registry.find_variant(name); }, registry, trial.feed_forward,
      problems);
  resolve_place(model, "encoder_attention", registry, trial.encoder_attention, problems);
  resolve_place(model, "cross_attention", registry, trial.cross_attention, problems);
  if (trial.model.heads > 0 && trial.model.dim % trial.model.heads != 0) {  // 0 is refused already
    const Config* heads = sections.find_path("model.heads");
    const Config* dim = sections.find_path("model.dim");
    const Place place = heads ? heads->place() : dim ? dim->place() : Place{};
    problems.add(place, fmt::format("model.heads: {} does not divide model.dim ({}).", trial.model.heads,
                                    trial.model.dim));
  }
}

// Returns the feed-forward used with an attention: its own choice if it has one.
Choice feed_forward_of(const Choice& attention, const Choice& given, const Registry& registry) {
  const BlockStyle style = registry.variant(attention.name).block_style(attention.options);
  std::optional<Choice> own = own_feed_forward(style, given);
  if (!own) return given;
  Problems none;
  own->options = registry.variant(own->name).resolve(own->options, own->name, none);
  none.throw_if_any();
  return *own;
}

// Puts a variant into a resolved trial. The feed-forward slot takes the variant's own choice if it has one
// (VariantInfo::block_style). A variant that grows may set the number of training steps.
void set_variant(const VariantEntry& variant, const Registry& registry, TrialConfig& trial,
                 Problems& problems) {
  trial.variant = variant.label;
  trial.attention = variant.attention;
  if (const auto listed = std::ssize(variant.attention); listed > trial.model.layers)
    problems.add(
        variant.place,
        fmt::format("{}: the stack lists {} variants and the model has {} {} (model.layers), so the rest "
                    "would not be in it. Shorten the stack or use more layers.",
                    variant.path, listed, trial.model.layers, trial.model.layers == 1 ? "layer" : "layers"));
  if (variant.attention.size() > 1) return;  // each block of a stack chooses for itself
  const Choice given = trial.feed_forward;
  trial.feed_forward = feed_forward_of(variant.attention[0], given, registry);
  Index before = 0;
  for (const VariantEntry::Earlier& e : variant.grow) {
    trial.grow.push_back({.attention = e.attention,
                          .feed_forward = feed_forward_of(e.attention, given, registry),
                          .steps = e.steps});
    before += e.steps;
  }
  if (variant.last_steps > 0) trial.train.steps = before + variant.last_steps;
  if (before >= trial.train.steps)
    problems.add(
        variant.place,
        fmt::format("{}: the stages before the last take {} steps of {} (train.steps); shorten them, "
                    "or give the last one steps of its own.",
                    variant.path, before, trial.train.steps));
  else if (trial.train.warmup > trial.train.steps)
    problems.add(variant.place, fmt::format("{}: train.warmup ({}) is more than its {} steps.", variant.path,
                                            trial.train.warmup, trial.train.steps));
}

}  // namespace

Config sections_at(const Config& tree, const Point& point) {
  Config sections = Config::map(tree.place());
  for (const Config::Entry& e : tree.entries())
    if (e.key == "task" || e.key == "model" || e.key == "train") sections.set(e.key, e.value, e.key_place);
  for (const Setting& s : point) set_path(sections, s.path, s.value, s.key_place);
  return sections;
}

bool resolve_sections(const Config& sections, const std::string& task_path, const Registry& registry,
                      TrialConfig& trial, Problems& problems) {
  Problems found;
  resolve_task(sections, task_path, registry, trial, found);
  resolve_model(sections, registry, trial, found);
  resolve_train(section(sections, "train"), registry, trial, found);
  problems.add(found);
  return found.empty();
}

TrialConfig with_variant(const TrialConfig& point, const VariantEntry& variant, const Registry& registry,
                         Problems& problems) {
  TrialConfig trial = point;
  set_variant(variant, registry, trial, problems);
  set_places(trial, registry);
  trial.plugins = plugins_of(trial, registry);
  if (const std::string why = refuse_schedule(trial, registry); !why.empty())
    problems.add(variant.place, fmt::format("{}: {}", variant.path, why));
  return trial;
}

}  // namespace heed
