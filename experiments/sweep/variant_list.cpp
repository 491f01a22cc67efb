#include "experiments/sweep/variant_list.h"

#include <algorithm>
#include <map>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "experiments/sweep/sections.h"
#include "experiments/trial/label.h"

namespace heed {
namespace {

constexpr std::size_t kMaxEntries = 10000;

// A way to write one variant, with what its label may show.
struct Written {
  Choice choice;
  std::vector<std::pair<std::string, std::string>> given, crossed;  // option and value
  Index steps = 0;                                                  // of a stage of growth
};

// How an entry writes several variants: as a stack that the layers take in turn, or as stages of growth.
enum class Several { stack, grow };

struct WrittenEntry {
  std::vector<Written> parts;
  Several several;
};

using Shown = std::vector<std::pair<std::string, std::string>>;  // option and value

Shown shown_of(const Written& w, Several several, bool all_given) {
  Shown shown = all_given || several == Several::grow ? w.given : w.crossed;
  if (all_given && w.steps > 0) shown.emplace_back("steps", fmt::format("{}", w.steps));
  return shown;
}

// "softmax+window(size=8)" or "tokenformer(tokens=16)>tokenformer(tokens=64)"
std::string entry_label(const WrittenEntry& entry, bool all_given) {
  std::vector<std::string> parts;
  for (const Written& w : entry.parts)
    parts.push_back(label(w.choice.name, shown_of(w, entry.several, all_given)));
  return fmt::format("{}", fmt::join(parts, entry.several == Several::grow ? ">" : "+"));
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
    const bool one_key = item.is_map() && item.entries().size() == 1;
    const Config* stack = one_key ? item.find("stack") : nullptr;
    const Config* grow = one_key ? item.find("grow") : nullptr;
    const std::size_t before = problems_.size();
    const std::vector<std::vector<Written>> all = stack  ? read_stack(*stack, path)
                                                  : grow ? read_growth(*grow, path)
                                                         : read_single(item, path);
    if (problems_.size() > before) return;
    const Place place = item.is_map() ? item.entries()[0].key_place : item.place();
    for (const std::vector<Written>& written : all)
      add_entry({written, grow ? Several::grow : Several::stack}, path_of(item, path), place);
  }

  std::vector<VariantEntry> take() {
    std::map<std::string, int> users;
    for (const WrittenEntry& w : written_) ++users[entry_label(w, false)];
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const bool all_given = users[entry_label(written_[i], false)] > 1;
      entries_[i].label = entry_label(written_[i], all_given);
      const auto& [parts, several] = written_[i];
      for (const Written& w : std::span(parts).subspan(several == Several::grow ? parts.size() - 1 : 0))
        for (const auto& [option, value] : shown_of(w, several, all_given))
          entries_[i].shown.push_back(option);
    }
    return std::move(entries_);
  }

 private:
  static std::string path_of(const Config& item, const std::string& path) {
    return item.is_map() ? path + '.' + item.entries()[0].key : path;
  }

  void add_entry(const WrittenEntry& written, const std::string& path, const Place& place) {
    VariantEntry entry{"", {}, path, place};
    std::string text = written.several == Several::grow ? "grow\n" : "";
    for (const Written& w : written.parts) {
      entry.attention.push_back(w.choice);
      text += fmt::format("{}{} {}\n", w.choice.name, w.choice.options.canonical(), w.steps);
    }
    if (written.several == Several::grow) {
      entry.attention.erase(entry.attention.begin(), entry.attention.end() - 1);
      for (const Written& w : std::span(written.parts).first(written.parts.size() - 1))
        entry.grow.push_back({w.choice, w.steps});
      entry.last_steps = written.parts.back().steps;
    }
    const auto [earlier, is_new] = seen_.insert({text, place});
    if (!is_new)
      return problems_.add(place, fmt::format("{}: {} is the same as the entry at {}; remove one of them.",
                                              path, entry_label(written, true), earlier->second.text()));
    if (entries_.size() == kMaxEntries)
      return problems_.add(place, fmt::format("variants: there are more than {} of them.", kMaxEntries));
    entries_.push_back(std::move(entry));
    written_.push_back(written);
  }

  // Each way to write the layers of a stack, the last layer's changing fastest.
  std::vector<std::vector<Written>> read_stack(const Config& list, const std::string& path) {
    if (!list.is_sequence() || list.items().empty()) {
      problems_.add(
          list.place(),
          fmt::format("{}.stack: expected a list of variants, which the layers use in turn, found {}.", path,
                      list.described()));
      return {};
    }
    std::vector<std::vector<std::vector<Written>>> layers;
    for (std::size_t i = 0; i < list.items().size(); ++i)
      layers.push_back(read_single(list.items()[i], fmt::format("{}.stack[{}]", path, i)));
    return combine(layers, path, list.place());
  }

  // Each way to write the stages of a growth.
  std::vector<std::vector<Written>> read_growth(const Config& list, const std::string& path) {
    if (!list.is_sequence() || list.items().size() < 2) {
      problems_.add(
          list.place(),
          fmt::format("{}.grow: expected a list of at least two stages, as [{{tokenformer: {{tokens: "
                      "16}}, steps: 500}}, {{tokenformer: {{tokens: 64}}}}], found {}.",
                      path, list.described()));
      return {};
    }
    std::vector<std::vector<std::vector<Written>>> stages;
    for (std::size_t i = 0; i < list.items().size(); ++i)
      stages.push_back(
          read_stage(list.items()[i], fmt::format("{}.grow[{}]", path, i), i + 1 == list.items().size()));
    std::vector<std::vector<Written>> all = combine(stages, path, list.place());
    for (const auto& one : all)
      for (std::size_t i = 1; i < one.size(); ++i)
        check_stages(one[i - 1], one[i], fmt::format("{}.grow[{}]", path, i), list.items()[i].place());
    return all;
  }

  // {tokenformer: {tokens: 16}, steps: 500}; the last stage may do without steps.
  std::vector<std::vector<Written>> read_stage(const Config& item, const std::string& path, bool last) {
    Config variant = item;
    const Config* given = item.is_map() ? item.find("steps") : nullptr;
    long long steps = 0;
    if (given && (!given->read(steps) || steps < 1)) {
      problems_.add(given->place(), fmt::format("{}.steps: expected an integer above 0, found {}.", path,
                                                given->described()));
    } else if (!given && !last) {
      problems_.add(item.place(),
                    fmt::format("{}.steps: it is missing; give the training steps of this stage.", path));
    }
    variant.erase("steps");
    std::vector<std::vector<Written>> all = read_single(variant, path);
    for (auto& one : all) one[0].steps = steps;
    return all;
  }

  // Another way to compute would be another function, whatever the parameters' shapes.
  void check_stages(const Written& smaller, const Written& larger, const std::string& path,
                    const Place& place) {
    if (smaller.choice.name != larger.choice.name)
      return problems_.add(place, fmt::format("{}: '{}' cannot grow into '{}'.", path, smaller.choice.name,
                                              larger.choice.name));
    for (const OptionInfo& o : registry_.variant(larger.choice.name).options) {
      const std::string before = smaller.choice.options.find(o.name)->canonical(),
                        after = larger.choice.options.find(o.name)->canonical();
      if (before != after && o.type != "integer")
        problems_.add(place, fmt::format("{}: {} is {} in the previous stage and {} here; stages may differ "
                                         "only in numbers of parameter tokens.",
                                         path, o.name, before, after));
    }
  }

  // Each way to take one of every part's, the last part's changing fastest.
  std::vector<std::vector<Written>> combine(const std::vector<std::vector<std::vector<Written>>>& parts,
                                            const std::string& path, const Place& place) {
    std::vector<std::vector<Written>> all = {{}};
    for (const auto& part : parts) {
      std::vector<std::vector<Written>> longer;
      for (const auto& before : all)
        for (const auto& one : part) {
          longer.push_back(before);
          longer.back().push_back(one[0]);
        }
      all = std::move(longer);
      if (all.size() > kMaxEntries) {
        problems_.add(place, fmt::format("{}: it is crossed more than {} times.", path, kMaxEntries));
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
      problems_.add(
          named.place,
          fmt::format("{}: '{}' does not mix along time; use it in model.feed_forward.", path, named.name));
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
  std::vector<WrittenEntry> written_;  // of each entry
  std::map<std::string, Place> seen_;
};

}  // namespace

bool is_called(const VariantEntry& variant, const std::string& name) {
  return variant.label == name || std::any_of(variant.attention.begin(), variant.attention.end(),
                                              [&](const Choice& c) { return c.name == name; });
}

std::vector<VariantEntry> read_variants(const Config& tree, const Registry& registry, Problems& problems) {
  const Config* list = tree.find("variants");
  if (!list) {
    problems.add(tree.place(),
                 "variants: the list is missing; name the variants to compare, as [softmax, linear].");
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
