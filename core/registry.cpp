#include "core/registry.h"

#include <fmt/format.h>

#include <utility>

#include "core/abbreviate.h"

namespace heed {
namespace {

template <class E>
const E* find(const std::vector<E>& entries, std::string_view name) {
  for (const E& e : entries)
    if (e.name == name) return &e;
  return nullptr;
}

template <class E>
const E& get(const std::vector<E>& entries, std::string_view name, const char* kind) {
  if (const E* e = find(entries, name)) return *e;
  throw Error(fmt::format("unknown {} '{}'.{}", kind, name, suggestion(name, names(entries))));
}

std::string owner(const Entry& e) {
  return e.plugin ? fmt::format("the plugin {}", e.plugin->path) : "heed itself";
}

template <class E>
void insert(std::vector<E>& entries, E info, const char* kind) {
  if (const std::string why = refuse_reserved(info.name); !why.empty())
    throw Error(fmt::format("the {} '{}' needs another name: {}.", kind, info.name, why));
  if (find(entries, info.name))
    throw Error(
        fmt::format("the {} '{}' is registered twice; give one of them another name.", kind, info.name));
  entries.push_back(std::move(info));
}

template <class E>
void refuse_taken(const std::vector<E>& entries, const std::vector<E>& more, const char* kind) {
  for (const E& e : more)
    if (const E* other = find(entries, e.name))
      throw Error(fmt::format("it brings {} called '{}', and {} has one of this name; give yours another.",
                              with_article(kind), e.name, owner(*other)));
}

template <class E>
void move_all(std::vector<E>& from, std::vector<E>& to, const std::shared_ptr<const PluginOrigin>& plugin) {
  for (E& e : from) {
    e.plugin = plugin;
    to.push_back(std::move(e));
  }
}

constexpr const char* kVariant = "variant";
constexpr const char* kPosition = "kind of position";
constexpr const char* kOptimizer = "optimizer";
constexpr const char* kSchedule = "schedule";
constexpr const char* kTask = "task";

}  // namespace

Config Entry::own_options(const Config& given) const {
  Config own = Config::map(given.place());
  for (const OptionInfo& o : options)
    if (const Config* value = given.find(o.name)) own.set(o.name, *value);
  return own;
}

std::string refuse_reserved(std::string_view name) {
  static const std::vector<std::pair<std::string_view, std::string_view>> reserved = {
      {"stack", "in a sweep file 'stack' lists the variants that layers take in turn"},
      {"grow", "in a sweep file 'grow' lists the stages of a model that grows"},
      {"label", "in a sweep file 'label' names the rows of a variant"},
      {"steps", "in a sweep file 'steps' ends a stage of 'grow'"},
      {"none", "in a sweep file 'none' means no positions, or no feed-forward"},
      {"model", "`heed list model` shows a section of the sweep file"},
      {"train", "`heed list train` shows a section of the sweep file"}};
  for (const auto& [word, why] : reserved)
    if (word == name) return std::string(why);
  // Names that YAML 1.1 or 1.2 reads as booleans or null.
  for (const std::string_view word : {"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
    if (word == name) return "YAML readers do not take it as a string";
  return "";
}

void Registry::add(VariantInfo info) { insert(variants_, std::move(info), kVariant); }
void Registry::add(PositionInfo info) { insert(positions_, std::move(info), kPosition); }
void Registry::add(OptimizerInfo info) { insert(optimizers_, std::move(info), kOptimizer); }
void Registry::add(ScheduleInfo info) { insert(schedules_, std::move(info), kSchedule); }
void Registry::add(TaskInfo info) { insert(tasks_, std::move(info), kTask); }

void Registry::adopt(Registry other, const PluginOrigin& origin) {
  refuse_taken(variants_, other.variants_, kVariant);
  refuse_taken(positions_, other.positions_, kPosition);
  refuse_taken(optimizers_, other.optimizers_, kOptimizer);
  refuse_taken(schedules_, other.schedules_, kSchedule);
  refuse_taken(tasks_, other.tasks_, kTask);
  const auto plugin = std::make_shared<const PluginOrigin>(origin);
  move_all(other.variants_, variants_, plugin);
  move_all(other.positions_, positions_, plugin);
  move_all(other.optimizers_, optimizers_, plugin);
  move_all(other.schedules_, schedules_, plugin);
  move_all(other.tasks_, tasks_, plugin);
  plugins_.push_back(origin);
}

const VariantInfo* Registry::find_variant(std::string_view name) const { return find(variants_, name); }
const PositionInfo* Registry::find_position(std::string_view name) const { return find(positions_, name); }
const OptimizerInfo* Registry::find_optimizer(std::string_view name) const { return find(optimizers_, name); }
const ScheduleInfo* Registry::find_schedule(std::string_view name) const { return find(schedules_, name); }
const TaskInfo* Registry::find_task(std::string_view name) const { return find(tasks_, name); }

std::string Registry::kind_of(std::string_view name) const {
  if (const VariantInfo* v = find_variant(name)) {
    Problems none;
    const Traits traits = v->traits(v->resolve(Config(), v->name, none));
    return traits.is_feed_forward() ? "a feed-forward" : "an attention variant";
  }
  return find_position(name)    ? "a kind of position"
         : find_optimizer(name) ? "an optimizer"
         : find_schedule(name)  ? "a schedule"
         : find_task(name)      ? "a task"
                                : "";
}

const VariantInfo& Registry::variant(std::string_view name) const { return get(variants_, name, kVariant); }
const PositionInfo& Registry::position(std::string_view name) const {
  return get(positions_, name, kPosition);
}
const OptimizerInfo& Registry::optimizer(std::string_view name) const {
  return get(optimizers_, name, kOptimizer);
}
const ScheduleInfo& Registry::schedule(std::string_view name) const {
  return get(schedules_, name, kSchedule);
}
const TaskInfo& Registry::task(std::string_view name) const { return get(tasks_, name, kTask); }

}  // namespace heed
