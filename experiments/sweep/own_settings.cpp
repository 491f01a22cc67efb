#include "experiments/sweep/own_settings.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "experiments/sweep/overridden.h"
#include "experiments/sweep/sections.h"
#include "experiments/trial/trial_config.h"

namespace heed {
namespace {

constexpr const char* kLabel = "label";

bool is_path(const std::string& key) { return key.find('.') != std::string::npos; }

bool names_several(const std::string& key) { return key == "stack" || key == "grow"; }

// Returns the key of an entry that names its variant, or an empty string if it is not clear which one does.
std::string name_in(const Config& item, const Registry& registry) {
  std::vector<std::string> words, registered;
  for (const Config::Entry& e : item.entries()) {
    if (is_path(e.key) || e.key == kLabel) continue;
    words.push_back(e.key);
    if (registry.find_variant(e.key) || names_several(e.key)) registered.push_back(e.key);
  }
  if (words.size() == 1) return words[0];
  return registered.size() == 1 ? registered[0] : "";
}

// Returns true if one of two paths sets the other: model.feed_forward and model.feed_forward.mlp.width.
bool overlap(const std::string& a, const std::string& b) {
  return a == b || a.starts_with(b + '.') || b.starts_with(a + '.');
}

// Returns the section of the sweep that sets a path, or an empty string.
std::string swept_in(const Config& tree, const std::string& path) {
  const auto sets = [&](const Config* c) {
    return c && std::any_of(c->entries().begin(), c->entries().end(),
                            [&](const Config::Entry& e) { return overlap(e.key, path); });
  };
  if (sets(tree.find_path("sweep.parameters"))) return "sweep.parameters";
  const Config* together = tree.find_path("sweep.together");
  return together && std::any_of(together->items().begin(), together->items().end(),
                                 [&](const Config& c) { return sets(&c); })
             ? "sweep.together"
             : "";
}

// Returns why a key cannot be set for one variant, or an empty string.
std::string refuse(const std::string& key, const Config& tree, const std::vector<OptionInfo>& known) {
  if (!is_path(key) && nearest(key, {kLabel}) == kLabel) return "unknown key. Did you mean 'label'?";
  if (std::string why = refuse_path(key, known); !why.empty()) return why;
  if (key.starts_with("task."))
    return "variants are compared on the same task, so it cannot be set for one of them. Set it in `task`.";
  if (is_outside_of_id(key))
    return "it changes no result, so rows that differ in it are one trial. Set it in `train`.";
  const std::string section = swept_in(tree, key);
  return section.empty() ? ""
                         : fmt::format(
                               "{} varies it for every variant. Remove it there, and give each variant "
                               "its own values, or remove it here.",
                               section);
}

// Reads the values of a key. Adds a problem for an empty list and for equal values.
std::vector<Config> values_of(const Config::Entry& e, const std::string& path,
                              const std::vector<OptionInfo>& known, Problems& problems) {
  const bool is_list =
      e.value.is_sequence() &&
      (!takes_list(e.key, known) || (!e.value.items().empty() && e.value.items()[0].is_sequence()));
  if (!is_list) return {e.value};
  if (e.value.items().empty())
    problems.add(e.value.place(), fmt::format("{}.{}: expected a value or a list of values, found {}.", path,
                                              e.key, e.value.described()));
  std::set<std::string> seen;
  for (const Config& item : e.value.items())
    if (!seen.insert(item.canonical()).second)
      problems.add(item.place(), fmt::format("{}.{}: {} is listed twice.", path, e.key, item.canonical()));
  return e.value.items();
}

// Refuses keys of the entry that are given as options of its variant, a frequent mistake of indentation.
void refuse_inside(Config& item, const std::string& name, const std::string& path, const Registry& registry,
                   Problems& problems) {
  const VariantInfo* info = registry.find_variant(name);
  Config& options = *item.find(name);
  if (!info || !options.is_map()) return;
  std::erase_if(options.entries(), [&](const Config::Entry& e) {
    const bool is_option = std::any_of(info->options.begin(), info->options.end(),
                                       [&](const OptionInfo& o) { return o.name == e.key; });
    if (is_option || (e.key != kLabel && !is_path(e.key))) return false;
    problems.add(
        e.key_place,
        fmt::format("{0}.{1}.{2}: it is no option of '{1}'. Did you mean '{{{1}: {{...}}, {2}: {3}}}', "
                    "beside the variant?",
                    path, name, e.key, e.value.canonical()));
    return true;
  });
}

}  // namespace

std::vector<OwnSetting> take_own_settings(Config& item, const std::string& path, const Config& tree,
                                          const std::vector<OptionInfo>& known, const Registry& registry,
                                          Problems& problems) {
  if (!item.is_map()) return {};
  const std::string name = name_in(item, registry);
  const bool has_words =
      std::any_of(item.entries().begin(), item.entries().end(),
                  [](const Config::Entry& e) { return !is_path(e.key) && e.key != kLabel; });
  if (name.empty() && has_words) return {};  // refused where the variant is read
  std::vector<OwnSetting> out;
  for (const Config::Entry& e : item.entries()) {
    if (e.key == name || e.key == kLabel) continue;
    if (const std::string why = refuse(e.key, tree, known); !why.empty())
      problems.add(e.key_place, fmt::format("{}.{}: {}", path, e.key, why));
    else if (std::vector<Config> values = values_of(e, path, known, problems); !values.empty())
      out.push_back({{e.key, values[0], e.key_place}, std::move(values)});
  }
  if (!name.empty())
    refuse_inside(item, name, path, registry, problems);
  else if (!out.empty())
    problems.add(item.place(), fmt::format("{}: the variant is missing; write {{softmax: {{}}, {}: ...}}.",
                                           path, out[0].first.path));
  std::erase_if(item.entries(), [&](const Config::Entry& e) { return e.key != name && e.key != kLabel; });
  std::sort(out.begin(), out.end(),
            [](const OwnSetting& a, const OwnSetting& b) { return a.first.path < b.first.path; });
  return out;
}

std::vector<std::string> own_paths(const Config& tree) {
  std::vector<std::string> out;
  const Config* list = tree.find("variants");
  if (!list) return out;
  for (const Config& item : list->items())
    for (const Config::Entry& e : item.entries())
      if (is_path(e.key) && std::ranges::find(out, compared_path(e.key)) == out.end())
        out.push_back(compared_path(e.key));
  return out;
}

}  // namespace heed
