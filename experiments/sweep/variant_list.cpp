#include "experiments/sweep/variant_list.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <span>
#include <string>

#include <fmt/format.h>

#include "experiments/sweep/combinations.h"
#include "experiments/sweep/own_settings.h"
#include "experiments/sweep/sections.h"
#include "experiments/sweep/variant_names.h"
#include "experiments/sweep/written_variant.h"
#include "experiments/trial/label.h"

namespace heed {
namespace {

// How an entry combines several variants: as a stack that the layers take in turn, or as stages of growth.
enum class Several { stack, grow };

// What the key `label` of an entry gives its rows as a name. Empty if the entry has none.
struct GivenLabel {
  std::string text, path;  // path: "variants[1].label"
  Place place;
};

struct WrittenEntry {
  std::vector<WrittenVariant> parts;
  Several several;
  GivenLabel given_label;
  std::vector<OwnSetting> settings;

  // Returns the parts of the final model: of a growth, only the last stage.
  std::span<const WrittenVariant> final_parts() const {
    return std::span(parts).subspan(several == Several::grow ? parts.size() - 1 : 0);
  }
};

WrittenVariant::Shown shown_of(const WrittenVariant& w, Several several, bool all_given) {
  WrittenVariant::Shown shown = all_given || several == Several::grow ? w.given : w.crossed;
  if (all_given && w.steps > 0) shown.emplace_back("steps", fmt::format("{}", w.steps));
  return shown;
}

// Returns the settings of an entry that have one value, as a label shows them. A setting with the name of an
// option of the variant has its whole path.
WrittenVariant::Shown shown_settings(const WrittenEntry& entry) {
  WrittenVariant::Shown shown;
  for (const OwnSetting& s : entry.settings) {
    if (s.values.size() > 1) continue;
    std::string name = s.first.path.substr(s.first.path.rfind('.') + 1);
    for (const WrittenVariant& w : entry.parts)
      if (w.choice.options.find(name)) name = s.first.path;
    shown.emplace_back(name, short_text(s.first.value));
  }
  return shown;
}

// "softmax+window(size=8)", "tokenformer(tokens=16)>tokenformer(tokens=64)", "softmax(positions=rope)",
// "(softmax+window)(heads=4)"
std::string generated_label(const WrittenEntry& entry, bool all_given) {
  const WrittenVariant::Shown settings = shown_settings(entry);
  std::vector<std::string> parts;
  for (const WrittenVariant& w : entry.parts) {
    WrittenVariant::Shown shown = shown_of(w, entry.several, all_given);
    if (entry.parts.size() == 1) shown.insert(shown.end(), settings.begin(), settings.end());
    parts.push_back(label(w.choice.name, shown));
  }
  const std::string all = fmt::format("{}", fmt::join(parts, entry.several == Several::grow ? ">" : "+"));
  return parts.size() > 1 && !settings.empty() ? label('(' + all + ')', settings) : all;
}

// The generated label, or with a label of its own "near(size=8)".
std::string entry_label(const WrittenEntry& entry, bool all_given) {
  const std::string& own = entry.given_label.text;
  if (own.empty()) return generated_label(entry, all_given);
  WrittenVariant::Shown crossed;
  for (const WrittenVariant& w : entry.parts)
    crossed.insert(crossed.end(), w.crossed.begin(), w.crossed.end());
  return label(own, crossed);
}

// Returns the word before the first `sign` in a text: "window" of "near window(size=4)" and '('.
std::string word_before(const std::string& text, char sign) {
  const std::size_t end = text.find(sign);
  if (end == std::string::npos) return "";
  std::size_t begin = end;
  while (begin > 0 && (std::isalnum(static_cast<unsigned char>(text[begin - 1])) != 0 ||
                       text[begin - 1] == '_' || text[begin - 1] == '.'))
    --begin;
  return text.substr(begin, end - begin);
}

// Returns the names in a label that is built like a generated one, in lower case: {"softmax", "linear"} of
// "Softmax + linear".
std::vector<std::string> names_in(const std::string& label) {
  std::vector<std::string> names(1);
  for (const char c : label) {
    if (c == '+' || c == '>')
      names.emplace_back();
    else if (c != ' ' || !names.back().empty())
      names.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  for (std::string& name : names) {
    name.erase(name.find_last_not_of(" )") + 1);
    name.erase(0, name.find_first_not_of(" ("));
  }
  return names;
}

// Returns why a label is refused, or nullopt.
std::optional<std::string> refuse_label(const Config& given) {
  constexpr std::ptrdiff_t kLongest = 40;
  const std::string& text = given.text();
  const auto characters = std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });  // of UTF-8
  if (!given.is_scalar() || text.empty() || characters > kLongest)
    return fmt::format("expected a name of 1 to {} characters, found {}.", kLongest, given.described());
  if (std::ranges::any_of(text, [](unsigned char c) { return std::iscntrl(c) != 0; }))
    return "a name has no line breaks and no tabs; remove them.";
  if (text.front() == ' ' || text.back() == ' ')
    return fmt::format("a name has no spaces at its ends, found {}.", given.described());
  return std::nullopt;
}

// Returns a text that is equal for entries with equal trials.
std::string identity(const WrittenEntry& entry) {
  std::string text = entry.several == Several::grow ? "grow\n" : "";
  for (const WrittenVariant& w : entry.parts)
    text += fmt::format("{}{} {}\n", w.choice.name, w.choice.options.canonical(), w.steps);
  for (const OwnSetting& s : entry.settings)
    text += fmt::format("{}: {}\n", s.first.path, Config::sequence(s.values).canonical());
  return text;
}

VariantEntry without_label(const WrittenEntry& written, const std::string& path, const Place& place) {
  VariantEntry entry{"", {}, path, place};
  for (const WrittenVariant& w : written.final_parts()) entry.attention.push_back(w.choice);
  if (written.several == Several::stack) return entry;
  for (const WrittenVariant& w : std::span(written.parts).first(written.parts.size() - 1))
    entry.grow.push_back({w.choice, w.steps});
  entry.last_steps = written.parts.back().steps;
  return entry;
}

// Takes the key `label` out of an entry.
GivenLabel take_label(Config& item, const std::string& path, Problems& problems) {
  const Config* given = item.is_map() ? item.find("label") : nullptr;
  if (!given) return {};
  GivenLabel out{given->text(), path + ".label", given->place()};
  const std::optional<std::string> why = refuse_label(*given);
  if (why) problems.add(out.place, fmt::format("{}: {}", out.path, *why));
  item.erase("label");
  if (item.entries().empty())
    problems.add(item.place(), fmt::format("{}: the variant is missing; write {{softmax: {{}}, label: {}}}.",
                                           path, why ? "..." : out.text));
  return out;
}

class Reader {
 public:
  Reader(const Config& tree, const Registry& registry, Problems& problems)
      : tree_(tree), known_(section_options(tree, registry)), registry_(registry), problems_(problems) {}

  void add(Config item, const std::string& path) {
    const std::size_t before = problems_.size();
    const std::vector<OwnSetting> settings =
        take_own_settings(item, path, tree_, known_, registry_, problems_);
    if (problems_.size() > before) return;
    GivenLabel given_label = take_label(item, path, problems_);
    if (problems_.size() > before) return;
    const bool one_key = item.is_map() && item.entries().size() == 1;
    const Config* stack = one_key ? item.find("stack") : nullptr;
    const Config* grow = one_key ? item.find("grow") : nullptr;
    std::vector<std::vector<WrittenVariant>> all;
    if (stack)
      all = read_stack(*stack, path, registry_, problems_);
    else if (grow)
      all = read_growth(*grow, path, registry_, problems_);
    else
      for (WrittenVariant& w : read_variant(item, path, registry_, problems_)) all.push_back({std::move(w)});
    if (problems_.size() > before) return;
    const std::string own_path = path + '.' + (item.is_map() ? item.entries()[0].key : item.text());
    const Place place = item.is_map() ? item.entries()[0].key_place : item.place();
    for (std::vector<WrittenVariant>& parts : all)
      add_entry({std::move(parts), grow ? Several::grow : Several::stack, given_label, settings}, own_path,
                place);
  }

  // Returns the entries with labels. A label shows the crossed options; if several entries have the same
  // label, all options that are given.
  std::vector<VariantEntry> take() {
    std::map<std::string, int> users;
    for (const WrittenEntry& w : written_) ++users[entry_label(w, false)];
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const WrittenEntry& written = written_[i];
      const bool all_given = users[entry_label(written, false)] > 1;
      entries_[i].label = entry_label(written, all_given);
      for (const WrittenVariant& w : written.final_parts())
        for (const auto& [option, value] : shown_of(w, written.several, all_given))
          entries_[i].shown.push_back(option);
    }
    for (std::size_t i = 0; i < entries_.size(); ++i) check_label(i);
    std::vector<VariantEntry> all;
    for (std::size_t i = 0; i < entries_.size(); ++i) add_settings(i, all);
    return all;
  }

 private:
  // Refuses a given label that is also the name of something else.
  void check_label(std::size_t at) {
    const GivenLabel& given = written_[at].given_label;
    if (given.text.empty()) return;
    const auto refuse = [&](const std::string& why) {
      problems_.add(given.place, fmt::format("{}: {}; choose another label.", given.path, why));
    };
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const GivenLabel& other = written_[i].given_label;
      if (i < at && other.text == given.text && other.path != given.path)
        return refuse(fmt::format("'{}' is also {}", given.text, other.path));
      if (entries_[i].label == entries_[at].label && other.path != given.path &&
          (other.text.empty() || i < at))
        return refuse(
            fmt::format("'{}' is the name of another row, {}", entries_[i].label, entries_[i].path));
    }
    if (names_other_model(written_[at]))
      return refuse(fmt::format("'{}' is the name of another {}; this entry is {}", given.text,
                                names_in(given.text).size() > 1 ? "model" : "variant",
                                generated_label(written_[at], true)));
    check_generated(written_[at]);
  }

  // Does a given label read like the name of a variant, a stack or a growth that this entry is not?
  bool names_other_model(const WrittenEntry& written) const {
    const std::string& text = written.given_label.text;
    const std::vector<std::string> names = names_in(text);
    const auto is_variant = [&](const std::string& name) {
      const VariantInfo* info = registry_.find_variant(name);
      return info && (names.size() == 1 || !is_feed_forward(*info));  // "softmax+mlp" names no stack
    };
    if (!std::ranges::all_of(names, is_variant)) return false;
    const char* other_sign = written.several == Several::grow ? "+" : ">";
    return text.find(other_sign) != std::string::npos ||
           !std::ranges::equal(names, written.parts, {}, {},
                               [](const WrittenVariant& w) { return w.choice.name; });
  }

  // Refuses a given label that shows a variant's options or a setting: it stays if an override changes them.
  void check_generated(const WrittenEntry& written) {
    const GivenLabel& given = written.given_label;
    const std::string own = generated_label(written, true);
    if (given.text == own || given.text == generated_label(written, false)) return;
    const std::string key = word_before(given.text, '=');
    if (!registry_.find_variant(word_before(given.text, '(')) && !is_key(key, written)) return;
    problems_.add(given.place,
                  fmt::format("{}: '{}' shows options, and a label does not follow them: this entry is {}. "
                              "Write a name without options, or remove the label.",
                              given.path, given.text, own));
  }

  // Is this the key of an option that the sweep or the entry can set?
  bool is_key(const std::string& key, const WrittenEntry& written) const {
    return !key.empty() &&
           (std::ranges::any_of(
                known_, [&](const OptionInfo& o) { return o.name == key || o.name.ends_with('.' + key); }) ||
            std::ranges::any_of(written.parts,
                                [&](const WrittenVariant& w) { return w.choice.options.find(key); }));
  }

  // Adds the entry once for each combination of the values of its settings.
  void add_settings(std::size_t at, std::vector<VariantEntry>& all) {
    const WrittenEntry& written = written_[at];
    std::vector<std::size_t> sizes;
    for (const OwnSetting& s : written.settings) sizes.push_back(s.values.size());
    const auto combined = combinations(sizes, kMaxEntries);
    if (!combined || all.size() + combined->size() > kMaxEntries)
      return problems_.add(entries_[at].place, fmt::format("{}: its settings have more than {} combinations.",
                                                           entries_[at].path, kMaxEntries));
    for (const std::vector<std::size_t>& chosen : *combined) {
      VariantEntry entry = entries_[at];
      std::vector<Setting> apart;
      for (std::size_t i = 0; i < chosen.size(); ++i) {
        const OwnSetting& s = written.settings[i];
        entry.settings.push_back({s.first.path, s.values[chosen[i]], s.first.key_place});
        if (s.values.size() > 1 || !written.given_label.text.empty()) apart.push_back(entry.settings.back());
      }
      entry.setting = setting_text(apart);
      all.push_back(std::move(entry));
    }
  }

  void add_entry(WrittenEntry written, const std::string& path, const Place& place) {
    const auto [earlier, is_new] = seen_.insert({identity(written), path});
    if (!is_new)
      return problems_.add(place, fmt::format("{}: {} is the same as {}; remove one of them.", path,
                                              entry_label(written, true), earlier->second));
    if (entries_.size() == kMaxEntries)
      return problems_.add(place, fmt::format("variants: there are more than {} of them.", kMaxEntries));
    entries_.push_back(without_label(written, path, place));
    written_.push_back(std::move(written));
  }

  const Config& tree_;
  const std::vector<OptionInfo> known_;  // what may be set
  const Registry& registry_;
  Problems& problems_;
  std::vector<VariantEntry> entries_;
  std::vector<WrittenEntry> written_;        // of each entry
  std::map<std::string, std::string> seen_;  // identity, and the path of the entry
};

}  // namespace

std::string VariantEntry::own_key() const {
  std::string text;
  for (const Setting& s : settings) text += fmt::format("{}: {}\n", s.path, s.value.canonical());
  return text;
}

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
  Reader reader(tree, registry, problems);
  for (std::size_t i = 0; i < list->items().size(); ++i)
    reader.add(list->items()[i], fmt::format("variants[{}]", i));
  return reader.take();
}

}  // namespace heed
