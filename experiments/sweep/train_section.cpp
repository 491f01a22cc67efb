#include "experiments/sweep/train_section.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "experiments/sweep/sections.h"
#include "experiments/trial/method.h"

namespace heed {
namespace {

bool has_option(const std::vector<OptionInfo>& options, const std::string& key) {
  return std::any_of(options.begin(), options.end(), [&](const OptionInfo& o) { return o.name == key; });
}

// One of the two choices in `train`, and its options.
struct Slot {
  std::string key, what;           // "optimizer", "an optimizer"
  std::string name;                // of the chosen one
  const Entry* entry = nullptr;    // null if the name is unknown
  Config options = Config::map();  // as given, with the name or directly in `train`
  std::string path = "train";      // of the options
};

// Reads `optimizer: sgd` or `optimizer: {sgd: {momentum: 0.9}}`.
template <class E>
void choose(const Config& train, const std::vector<E>& entries, const Registry& registry, Slot& slot,
            Problems& problems) {
  const std::string path = "train." + slot.key;
  Named named{slot.name, Config::map(), train.place()};
  if (const Config* given = train.find(slot.key))
    if (!read_named(*given, path, slot.what, named, problems)) return;
  const auto at =
      std::find_if(entries.begin(), entries.end(), [&](const E& e) { return e.name == named.name; });
  if (at == entries.end())
    return problems.add(
        named.place,
        fmt::format("{}: {}", path, unknown_name(slot.key, named.name, names(entries), registry)));
  slot.name = named.name;
  slot.entry = &*at;
  slot.options = Config::map(named.place);  // the place of options that are not given
  if (!named.options.is_map() || named.options.entries().empty()) return;
  slot.options = named.options;
  slot.path = path + '.' + named.name;
}

// Takes a key of `train` if it is an option of the slot's choice.
bool take_option(const Config::Entry& e, Slot& slot, Problems& problems) {
  if (!slot.entry || !has_option(slot.entry->options, e.key)) return false;
  if (slot.options.find(e.key))
    problems.add(e.key_place,
                 fmt::format("train.{0}: {1}.{0} sets it, too; remove one of them.", e.key, slot.path));
  else
    slot.options.set(e.key, e.value, e.key_place);
  return true;
}

// Why an option of what is not chosen is refused; empty if no entry has such an option.
template <class E>
std::string refuse_unused(const std::string& key, const std::vector<E>& entries, const Slot& slot) {
  std::vector<std::string> owners;
  for (const E& e : entries)
    if (has_option(e.options, key)) owners.push_back(e.name);
  if (owners.empty()) return "";
  return fmt::format(
      "train.{0}: it has no effect on the {1} '{2}'; it is an option of {3}. Remove it, or give it to the "
      "{1} that has it: train.{1}: {{{4}: {{{0}: ...}}}}.",
      key, slot.key, slot.name, fmt::join(owners, ", "), owners[0]);
}

// Adds the slot's options, defaults included, to those of the trial. All of `train` is one map, so a name can
// be used only once in it.
void resolve_slot(const Slot& slot, Config& options, Problems& problems) {
  if (!slot.entry) return;
  const Config resolved = slot.entry->resolve(slot.options, slot.path, problems);
  for (const Config::Entry& e : resolved.entries()) {
    if (options.find(e.key) || has_option(list_options<TrainOptions>(), e.key))
      problems.add(
          slot.options.place(),
          fmt::format("train.{}: '{}' cannot be used here: its option '{}' is also one of `train` or "
                      "of the optimizer. Its author must rename it.",
                      slot.key, slot.name, e.key));
    options.set(e.key, e.value);
  }
}

Place place_of(const Config& train, const std::string& key) {
  const Config* found = train.find(key);
  return found ? found->place() : train.place();
}

}  // namespace

void resolve_train(const Config* section, const Registry& registry, TrialConfig& trial, Problems& problems) {
  if (section && !section->is_map()) return read_section(trial.train, section, "train", {}, problems);
  const Config given = section ? *section : Config::map();
  const std::size_t before = problems.size();
  Slot optimizer{"optimizer", "an optimizer", TrainMethod().optimizer};
  Slot schedule{"schedule", "a schedule", TrainMethod().schedule};
  choose(given, registry.optimizers(), registry, optimizer, problems);
  choose(given, registry.schedules(), registry, schedule, problems);

  Config own = given;  // what is left for TrainOptions
  std::vector<std::string> others = {"optimizer", "schedule"};
  for (const Slot* slot : {&optimizer, &schedule})
    if (slot->entry)
      for (const OptionInfo& o : slot->entry->options) others.push_back(o.name);
  std::erase_if(own.entries(), [&](const Config::Entry& e) {
    if (has_option(list_options<TrainOptions>(), e.key)) return false;
    if (take_option(e, optimizer, problems) || take_option(e, schedule, problems)) return true;
    std::string why = refuse_unused(e.key, registry.optimizers(), optimizer);
    if (why.empty()) why = refuse_unused(e.key, registry.schedules(), schedule);
    if (!why.empty()) problems.add(e.key_place, why);
    return !why.empty();
  });
  read_section(trial.train, &own, "train", others, problems);
  trial.method = {optimizer.name, schedule.name, Config::map()};
  resolve_slot(optimizer, trial.method.options, problems);
  resolve_slot(schedule, trial.method.options, problems);
  if (problems.size() > before) return;

  double min_lr = 0;
  if (const Config* c = schedule.options.find("min_lr"); c && c->read(min_lr) && min_lr > trial.train.lr)
    problems.add(c->place(),
                 fmt::format("train.min_lr: it must not be larger than lr, and {} is larger than {}.", min_lr,
                             trial.train.lr));
  else if (const std::string why = refuse_schedule(trial, registry); !why.empty())
    problems.add(place_of(given, "schedule"), why);
}

}  // namespace heed
