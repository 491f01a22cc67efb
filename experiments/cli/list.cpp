#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/model/model_spec.h"
#include "experiments/cli/command.h"
#include "experiments/report/compare/table_text.h"
#include "experiments/sweep/variant_names.h"
#include "experiments/trial/metrics.h"
#include "experiments/trial/task_of.h"
#include "experiments/trial/test_lengths.h"
#include "experiments/trial/train_options.h"
#include "experiments/trial/train_sequences.h"
#include "experiments/trial/trial_config.h"

namespace heed::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// Prints one line per entry. only: names to print; null: all.
template <class E>
void print_group(const std::string& title, const std::vector<E>& entries,
                 const std::vector<std::string>* only = nullptr) {
  Rows rows;
  for (const E& e : entries)
    if (!only || std::find(only->begin(), only->end(), e.name) != only->end())
      rows.push_back(
          {"  " + e.name, e.about.summary, e.about.paper, e.plugin ? "plugin " + e.plugin->name : ""});
  fmt::print("{}\n{}\n", title, aligned(rows));
}

std::string range(const OptionText& text) {
  if (!text.choices.empty()) return fmt::format("{}", fmt::join(text.choices, " | "));
  if (text.min && text.max) return fmt::format("{} .. {}", *text.min, *text.max);
  if (text.min) return fmt::format("from {}", *text.min);
  if (text.max) return fmt::format("to {}", *text.max);
  return "";
}

void print_options(const std::vector<OptionInfo>& options) {
  if (options.empty()) return fmt::print("It has no options.\n");
  Rows rows = {{"option", "type", "default", "range", "meaning"}};
  for (const OptionInfo& o : options) rows.push_back({o.name, o.type, o.value, range(o.text), o.text.doc});
  fmt::print("{}", aligned(rows));
}

// Prints an entry with its options. Returns false if it is null.
template <class E>
bool print_if_found(const E* entry, const char* kind) {
  if (!entry) return false;
  fmt::print("{} ({}): {}\n", entry->name, kind, entry->about.summary);
  if (!entry->about.paper.empty()) fmt::print("{}\n", entry->about.paper);
  if (entry->plugin) fmt::print("From the plugin {}\n", entry->plugin->path);
  fmt::print("\n");
  print_options(entry->options);
  return true;
}

void print_metrics() {
  fmt::print("Metrics (compare.metric)\n");
  Rows rows = {{"metric", "unit", "better", "varies", "meaning"}};
  for (const MetricInfo& m : metrics())
    rows.push_back({m.name, m.unit, to_string(m.better), m.varies ? "yes" : "", m.description});
  fmt::print("{}", aligned(rows));
}

void print_train(const Registry& registry) {
  std::vector<OptionInfo> options = list_options<TrainOptions>();
  const TrainMethod defaults;
  options.push_back({"optimizer",
                     "string",
                     defaults.optimizer,
                     {.choices = names(registry.optimizers()),
                      .doc = "what changes the parameters; its options may be written in `train` too"}});
  options.push_back({"schedule",
                     "string",
                     defaults.schedule,
                     {.choices = names(registry.schedules()),
                      .doc = "learning rate after warmup; its options may be written in `train` too"}});
  print_options(options);
  fmt::print("\nThe options of optimizer and schedule: `heed list {}`, `heed list {}`.\n", defaults.optimizer,
             defaults.schedule);
}

void print_model(const Registry& registry) {
  std::vector<OptionInfo> options = list_options<ModelOptions>();
  const auto with_none = [](std::vector<std::string> all) {
    all.emplace_back("none");
    return all;
  };
  const TrialConfig defaults;
  options.push_back({"positions",
                     "string",
                     defaults.positions.name,
                     {.choices = with_none(names(registry.positions())),
                      .doc = "kind of position; with options: {rope: {base: 500}}"}});
  options.push_back({"feed_forward",
                     "string",
                     defaults.feed_forward.name,
                     {.choices = with_none(variant_names(registry, false)),
                      .doc = "feed-forward of each block; with options: {mlp: {width: 64}}"}});
  const auto choices = [](const auto& all) { return std::vector<std::string>(all.begin(), all.end()); };
  options.push_back({"type",
                     "string",
                     "of the task",
                     {.choices = choices(kModelTypes), .doc = "another type, if the task suits it"}});
  options.push_back({"pool",
                     "string",
                     to_string(defaults.pool),
                     {.choices = choices(kPools),
                      .doc = "of an encoder with one label per sequence: the row that is scored"}});
  for (const char* place : {"encoder_attention", "cross_attention"})
    options.push_back({place,
                       "string",
                       "the variant",
                       {.doc = "of an encoder-decoder; softmax if the variant does not support it"}});
  print_options(options);
}

// The groups of `heed list`, each also by its own name: `heed list tasks`.
struct Group {
  std::string name;  // plural
  void (*print)(const Registry&);
};

const std::vector<Group>& groups() {
  static const std::vector<Group> all = {
      {"variants",
       [](const Registry& r) {
         const std::vector<std::string> attention = variant_names(r, true);
         print_group("Variants (variants)", r.variants(), &attention);
       }},
      {"feed-forwards",
       [](const Registry& r) {
         const std::vector<std::string> feed_forward = variant_names(r, false);
         print_group("Feed-forwards (model.feed_forward; or none)", r.variants(), &feed_forward);
       }},
      {"positions",
       [](const Registry& r) { print_group("Positions (model.positions; or none)", r.positions()); }},
      {"optimizers", [](const Registry& r) { print_group("Optimizers (train.optimizer)", r.optimizers()); }},
      {"schedules", [](const Registry& r) { print_group("Schedules (train.schedule)", r.schedules()); }},
      {"tasks", [](const Registry& r) { print_group("Tasks (task)", r.tasks()); }},
      {"metrics", [](const Registry&) { print_metrics(); }}};
  return all;
}

int describe(const std::string& name, const Registry& registry) {
  if (name == "model") return print_model(registry), kDone;
  if (name == "train") return print_train(registry), kDone;
  // Entries of several kinds may have the same name: the variant and the schedule `linear`.
  bool found = print_if_found(registry.find_variant(name), "variant");
  found |= print_if_found(registry.find_position(name), "position");
  found |= print_if_found(registry.find_optimizer(name), "optimizer");
  found |= print_if_found(registry.find_schedule(name), "schedule");
  const TaskInfo* task = registry.find_task(name);
  if (print_if_found(task, "task")) {
    found = true;
    const auto has = [&](const char* option) {
      return std::ranges::find(task->options, option, &OptionInfo::name) != task->options.end();
    };
    if (has("length") && !has("path"))
      fmt::print("\nA generated task also takes {}: a list of other lengths for the test.\n", kTestLengths);
    fmt::print("\nEvery task also takes {}: how many sequences training repeats; 0: all are new.\n",
               kTrainSequences);
  }
  if (found) return kDone;
  for (const Group& g : groups())
    if (name == g.name || name + 's' == g.name) return g.print(registry), kDone;
  std::vector<std::string> known = {"model", "train"};
  for (const Group& g : groups()) known.push_back(g.name);
  for (const auto& all : {names(registry.variants()), names(registry.positions()),
                          names(registry.optimizers()), names(registry.schedules()), names(registry.tasks())})
    known.insert(known.end(), all.begin(), all.end());
  throw UsageError(fmt::format("nothing is called '{}'.{}", name, suggestion(name, known)));
}

int run(const Input& input, Registry& registry) {
  if (input.has("name")) return describe(input.get<std::string>("name"), registry);
  for (const Group& g : groups()) g.print(registry);
  fmt::print(
      "\n`heed list NAME` shows the options of one, `heed list tasks` only the tasks; `heed list model` and "
      "`heed\nlist train` show the options of the sections.\n");
  return kDone;
}

}  // namespace

Command list_command() {
  Command c;
  c.name = "list";
  c.synopsis = "[NAME]";
  c.summary = "list everything by name: variants, positions, tasks, metrics, ...; with a name, its options";
  c.details =
      "    heed list window\n"
      "    heed list tasks\n"
      "    heed list train";
  c.arguments = {"name"};
  c.loads_plugins = true;
  c.run = run;
  return c;
}

}  // namespace heed::cli
