#include "experiments/variant_list.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "experiments/sections.h"

namespace heed {
namespace {

constexpr std::size_t kMaxEntries = 10000;

// A way to write one variant, with what its label may show.
struct Written {
  Choice choice;
  std::vector<std::pair<std::string, std::string>> given, crossed;  // option and value
};

std::string stack_label(const std::vector<Written>& stack, bool all_given) {
  std::vector<std::string> parts;
  for (const Written& w : stack) parts.push_back(label(w.choice.name, all_given ? w.given : w.crossed));
  return fmt::format("{}", fmt::join(parts, "+"));
}

bool is_crossed(const OptionInfo& option, const Config& value) {
  if (!value.is_sequence() || value.items().empty()) return false;
  return !option.type.starts_with("list") || std::all_of(value.items().begin(), value.items().end(),
                                                         [](const Config& c) { return c.is_sequence(); });
}

class Reader {
 public:
  Reader(const Registry& registry, Problems& problems)
      : registry_(registry), problems_(problems), known_(variant_names(registry, true)) {}

  void add(const Config& item, const std::string& path) {
    const Config* stack = item.is_map() && item.entries().size() == 1 ? item.find("stack") : nullptr;
    const std::size_t before = problems_.size();
    const std::vector<std::vector<Written>> all = stack ? read_stack(*stack, path) : read_single(item, path);
    if (problems_.size() > before) return;
    const Place place = item.is_map() ? item.entries()[0].key_place : item.place();
    for (const std::vector<Written>& written : all) add_entry(written, path_of(item, path), place);
  }

  std::vector<VariantEntry> take() {
    std::map<std::string, int> users;
    for (const auto& w : written_) ++users[stack_label(w, false)];
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const std::string brief = stack_label(written_[i], false);
      entries_[i].label = users[brief] > 1 ? stack_label(written_[i], true) : brief;
    }
    return std::move(entries_);
  }

 private:
  static std::string path_of(const Config& item, const std::string& path) {
    return item.is_map() ? path + '.' + item.entries()[0].key : path;
  }

  void add_entry(const std::vector<Written>& written, const std::string& path, const Place& place) {
    VariantEntry entry{"", {}, path, place};
    std::string text;
    for (const Written& w : written) {
      entry.attention.push_back(w.choice);
      text += w.choice.name + w.choice.options.canonical() + '\n';
    }
    const auto [earlier, is_new] = seen_.insert({text, place});
    if (!is_new)
      return problems_.add(place, fmt::format("{}: {} is the same as the entry at {}; remove one of them.",
                                              path, stack_label(written, true), earlier->second.text()));
    if (entries_.size() == kMaxEntries)
      return problems_.add(place, fmt::format("variants: there are more than {} of them.", kMaxEntries));
    entries_.push_back(std::move(entry));
    written_.push_back(written);
  }

  // Each way to write the layers of a stack, the last layer's changing fastest.
  std::vector<std::vector<Written>> read_stack(const Config& list, const std::string& path) {
    if (!list.is_sequence() || list.items().empty()) {
      problems_.add(list.place(),
                    fmt::format("{}.stack: expected a list of variants, which the layers take in turn, "
                                "found {}.",
                                path, list.described()));
      return {};
    }
    std::vector<std::vector<Written>> all = {{}};
    for (std::size_t i = 0; i < list.items().size(); ++i) {
      const auto layer = read_single(list.items()[i], fmt::format("{}.stack[{}]", path, i));
      std::vector<std::vector<Written>> longer;
      for (const auto& stack : all)
        for (const auto& one : layer) {
          longer.push_back(stack);
          longer.back().push_back(one[0]);
        }
      all = std::move(longer);
      if (all.size() > kMaxEntries) {
        problems_.add(list.place(), fmt::format("{}: it is crossed more than {} times.", path, kMaxEntries));
        return {};
      }
    }
    return all;
  }

  std::vector<std::vector<Written>> read_single(const Config& item, const std::string& path) {
    Named named;
    if (!read_named(item, path, "a variant", named, problems_)) return {};
    const VariantInfo* info = registry_.find_variant(named.name);
    if (!info) {
      problems_.add(named.place, fmt::format("{}: unknown variant '{}'.{}", path, named.name,
                                             suggestion(named.name, known_)));
      return {};
    }
    if (std::find(known_.begin(), known_.end(), named.name) == known_.end()) {
      problems_.add(named.place,
                    fmt::format("{}: '{}' does not mix along time; it can stand in model.feed_forward.", path,
                                named.name));
      return {};
    }
    std::vector<std::vector<Written>> all;
    for (const Config& given : cross(named.options, info->options))
      all.push_back({resolve(*info, given, named.options, path + '.' + named.name)});
    return all;
  }

  // Every combination of the crossed options, the last option's values changing fastest.
  static std::vector<Config> cross(const Config& options, const std::vector<OptionInfo>& known) {
    std::vector<Config> all = {options};
    if (!options.is_map()) return all;
    for (const OptionInfo& o : known) {
      const Config* value = options.find(o.name);
      if (!value || !is_crossed(o, *value) || all.size() * value->items().size() > kMaxEntries) continue;
      std::vector<Config> longer;
      for (const Config& c : all)
        for (const Config& item : value->items()) {
          longer.push_back(c);
          longer.back().set(o.name, item);
        }
      all = std::move(longer);
    }
    return all;
  }

  Written resolve(const VariantInfo& info, const Config& given, const Config& as_written,
                  const std::string& path) {
    Written w{{info.name, info.resolve(given, path, problems_)}, {}, {}};
    for (const OptionInfo& o : info.options) {
      const Config* value = given.is_map() ? given.find(o.name) : nullptr;
      if (!value) continue;
      const std::pair<std::string, std::string> shown = {o.name, value->canonical()};
      w.given.push_back(shown);
      if (is_crossed(o, *as_written.find(o.name))) w.crossed.push_back(shown);
    }
    return w;
  }

  const Registry& registry_;
  Problems& problems_;
  std::vector<std::string> known_;
  std::vector<VariantEntry> entries_;
  std::vector<std::vector<Written>> written_;  // of each entry
  std::map<std::string, Place> seen_;
};

}  // namespace

std::string label(const std::string& name, const std::vector<std::pair<std::string, std::string>>& shown) {
  std::vector<std::string> parts;
  for (const auto& [option, value] : shown) parts.push_back(fmt::format("{}={}", option, value));
  return parts.empty() ? name : fmt::format("{}({})", name, fmt::join(parts, ","));
}

std::vector<VariantEntry> read_variants(const Config& tree, const Registry& registry, Problems& problems) {
  const Config* list = tree.find("variants");
  if (!list) {
    problems.add(tree.place(),
                 "variants: the list is missing; name what is to be compared, as [softmax, linear].");
    return {};
  }
  if (!list->is_sequence() || list->items().empty()) {
    problems.add(list->place(),
                 fmt::format("variants: expected a list of variants, found {}.", list->described()));
    return {};
  }
  Reader reader(registry, problems);
  for (std::size_t i = 0; i < list->items().size(); ++i)
    reader.add(list->items()[i], fmt::format("variants[{}]", i));
  return reader.take();
}

std::vector<std::string> variant_names(const Registry& registry, bool mixes_time) {
  std::vector<std::string> out;
  for (const VariantInfo& v : registry.variants()) {
    Problems none;
    if (v.traits(v.resolve(Config(), v.name, none)).mixes_time == mixes_time) out.push_back(v.name);
  }
  return out;
}

}  // namespace heed
