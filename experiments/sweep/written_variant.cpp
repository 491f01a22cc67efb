#include "experiments/sweep/written_variant.h"

#include <algorithm>

#include <fmt/format.h>

#include "experiments/sweep/combinations.h"
#include "experiments/sweep/sections.h"
#include "experiments/sweep/variant_names.h"

namespace heed {
namespace {

bool is_crossed(const OptionInfo& option, const Config& value) {
  if (!value.is_sequence() || value.items().empty()) return false;
  return !option.type.starts_with("list") || std::all_of(value.items().begin(), value.items().end(),
                                                         [](const Config& c) { return c.is_sequence(); });
}

// Returns the variant that an entry names, or null if it is not allowed there.
const VariantInfo* find_mixer(const Named& named, const std::string& path, const Registry& registry,
                              Problems& problems) {
  const VariantInfo* info = registry.find_variant(named.name);
  if (!info) {
    problems.add(named.place,
                 fmt::format("{}: {}", path,
                             unknown_name("variant", named.name, variant_names(registry, true), registry)));
  } else if (is_feed_forward(*info)) {
    problems.add(named.place,
                 fmt::format("{}: '{}' is a feed-forward; use it in model.feed_forward.", path, named.name));
    return nullptr;
  }
  return info;
}

// combinations, with a problem if there are too many.
std::vector<std::vector<std::size_t>> crossed(const std::vector<std::size_t>& sizes, const std::string& path,
                                              const Place& place, Problems& problems) {
  auto all = combinations(sizes, kMaxEntries);
  if (!all) problems.add(place, fmt::format("{}: it is crossed more than {} times.", path, kMaxEntries));
  return std::move(all).value_or(std::vector<std::vector<std::size_t>>());
}

// The options of an entry with one value for each that is crossed.
std::vector<Config> cross(const Named& named, const std::vector<OptionInfo>& known, const std::string& path,
                          Problems& problems) {
  std::vector<std::pair<std::string, const std::vector<Config>*>> lists;
  std::vector<std::size_t> sizes;
  for (const OptionInfo& o : known)
    if (const Config* value = named.options.is_map() ? named.options.find(o.name) : nullptr;
        value && is_crossed(o, *value)) {
      lists.emplace_back(o.name, &value->items());
      sizes.push_back(value->items().size());
    }
  std::vector<Config> all;
  for (const std::vector<std::size_t>& at : crossed(sizes, path, named.place, problems)) {
    all.push_back(named.options);
    for (std::size_t i = 0; i < lists.size(); ++i) all.back().set(lists[i].first, (*lists[i].second)[at[i]]);
  }
  return all;
}

WrittenVariant resolve(const VariantInfo& info, const Config& given, const Config& as_written,
                       const std::string& path, Problems& problems) {
  WrittenVariant w{{info.name, info.resolve(given, path, problems)}, {}, {}};
  for (const OptionInfo& o : info.options) {
    const Config* value = given.is_map() ? given.find(o.name) : nullptr;
    if (!value) continue;
    w.given.emplace_back(o.name, value->canonical());
    if (is_crossed(o, *as_written.find(o.name))) w.crossed.push_back(w.given.back());
  }
  return w;
}

// Each way to choose one variant of every part, the last part's changing fastest.
std::vector<std::vector<WrittenVariant>> combine(const std::vector<std::vector<WrittenVariant>>& parts,
                                                 const std::string& path, const Place& place,
                                                 Problems& problems) {
  std::vector<std::size_t> sizes;
  for (const auto& part : parts) sizes.push_back(part.size());
  std::vector<std::vector<WrittenVariant>> all;
  for (const std::vector<std::size_t>& at : crossed(sizes, path, place, problems)) {
    all.emplace_back();
    for (std::size_t i = 0; i < parts.size(); ++i) all.back().push_back(parts[i][at[i]]);
  }
  return all;
}

std::vector<WrittenVariant> read_stage(const Config& item, const std::string& path, bool last,
                                       const Registry& registry, Problems& problems) {
  const Config* given = item.is_map() ? item.find("steps") : nullptr;
  long long steps = 0;
  if (given && (!given->read(steps) || steps < 1)) {
    problems.add(given->place(),
                 fmt::format("{}.steps: expected an integer above 0, found {}.", path, given->described()));
  } else if (!given && !last) {
    problems.add(item.place(),
                 fmt::format("{}.steps: it is missing; give the training steps of this stage.", path));
  }
  Config variant = item;
  variant.erase("steps");
  std::vector<WrittenVariant> all = read_variant(variant, path, registry, problems);
  for (WrittenVariant& w : all) w.steps = steps;
  return all;
}

// Stages may differ in integers only: another way to compute would be another function, whatever the shapes
// of the parameters.
void check_stages(const WrittenVariant& smaller, const WrittenVariant& larger, const std::string& path,
                  const Place& place, const Registry& registry, Problems& problems) {
  if (smaller.choice.name != larger.choice.name)
    return problems.add(
        place, fmt::format("{}: '{}' cannot grow into '{}'.", path, smaller.choice.name, larger.choice.name));
  for (const OptionInfo& o : registry.variant(larger.choice.name).options) {
    const std::string before = smaller.choice.options.find(o.name)->canonical(),
                      after = larger.choice.options.find(o.name)->canonical();
    if (before != after && o.type != "integer")
      problems.add(place, fmt::format("{}: {} is {} in the previous stage and {} here; stages may differ "
                                      "only in numbers of parameter tokens.",
                                      path, o.name, before, after));
  }
}

}  // namespace

std::vector<WrittenVariant> read_variant(const Config& item, const std::string& path,
                                         const Registry& registry, Problems& problems) {
  Named named;
  if (!read_named(item, path, "a variant", named, problems)) return {};
  const VariantInfo* info = find_mixer(named, path, registry, problems);
  if (!info) return {};
  const std::string own_path = path + '.' + named.name;
  std::vector<WrittenVariant> all;
  for (const Config& given : cross(named, info->options, own_path, problems))
    all.push_back(resolve(*info, given, named.options, own_path, problems));
  return all;
}

std::vector<std::vector<WrittenVariant>> read_stack(const Config& list, const std::string& path,
                                                    const Registry& registry, Problems& problems) {
  if (!list.is_sequence() || list.items().empty()) {
    problems.add(list.place(),
                 fmt::format("{}.stack: expected a list of variants, which the layers use in turn, "
                             "found {}.",
                             path, list.described()));
    return {};
  }
  std::vector<std::vector<WrittenVariant>> layers;
  for (std::size_t i = 0; i < list.items().size(); ++i)
    layers.push_back(read_variant(list.items()[i], fmt::format("{}.stack[{}]", path, i), registry, problems));
  return combine(layers, path, list.place(), problems);
}

std::vector<std::vector<WrittenVariant>> read_growth(const Config& list, const std::string& path,
                                                     const Registry& registry, Problems& problems) {
  if (!list.is_sequence() || list.items().size() < 2) {
    problems.add(list.place(),
                 fmt::format("{}.grow: expected a list of at least two stages, as [{{tokenformer: {{tokens: "
                             "16}}, steps: 500}}, {{tokenformer: {{tokens: 64}}}}], found {}.",
                             path, list.described()));
    return {};
  }
  const std::size_t count = list.items().size();
  const auto path_of = [&](std::size_t i) { return fmt::format("{}.grow[{}]", path, i); };
  std::vector<std::vector<WrittenVariant>> stages;
  for (std::size_t i = 0; i < count; ++i)
    stages.push_back(read_stage(list.items()[i], path_of(i), i + 1 == count, registry, problems));
  std::vector<std::vector<WrittenVariant>> all = combine(stages, path, list.place(), problems);
  for (const auto& one : all)
    for (std::size_t i = 1; i < one.size(); ++i)
      check_stages(one[i - 1], one[i], path_of(i), list.items()[i].place(), registry, problems);
  return all;
}

}  // namespace heed
